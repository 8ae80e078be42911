package io.vferry.runtime.transport;

import java.nio.file.Path;
import java.util.Optional;

/** How the connections of a session are protected. Both sides need the same kind. */
public sealed interface Security {

  /**
   * Not at all: whoever sees the network sees the guest's memory, and whoever reaches the
   * destination's port can send it a machine. Only for networks that are private as a whole.
   */
  record Plain() implements Security {}

  /**
   * TLS 1.3 with certificates on both sides. Only the suites {@code TLS_AES_128_GCM_SHA256} and
   * {@code TLS_AES_256_GCM_SHA384} are offered, because the third one of RFC 8446 has no hardware
   * support in Java 17 and runs at a tenth of their speed.
   *
   * @param directory holds {@code ca.pem} (one or more certificates that sign the other side's),
   *     {@code cert.pem} (this side's certificate, followed by intermediate ones) and {@code
   *     key.pem} (its private key, PKCS #8, not encrypted, RSA or EC)
   * @param peerName the DNS name or IP address that the other side's certificate must have among
   *     its subject alternative names; if empty, any certificate that the CA signed is good
   */
  record Tls(Path directory, Optional<String> peerName) implements Security {}
}
