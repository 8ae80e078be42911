package io.vferry.runtime.transport;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/** The keys and certificates of one side, ready for use. */
final class TlsCredentials {

  private static final long MAX_FILE_BYTES = 1 << 20;
  private static final String KEY_BEGIN = "-----BEGIN PRIVATE KEY-----";
  private static final String KEY_END = "-----END PRIVATE KEY-----";
  private static final String PROTOCOL = "TLSv1.3";
  private static final String[] SUITES = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"};

  private final SSLContext context;
  private final Optional<String> peerName;

  private TlsCredentials(SSLContext context, Optional<String> peerName) {
    this.context = context;
    this.peerName = peerName;
  }

  /**
   * Reads the files.
   *
   * @throws MigrationException {@code TRANSPORT_BAD_CREDENTIALS} naming the file
   */
  static TlsCredentials load(Security.Tls tls) throws MigrationException {
    Path directory = tls.directory();
    List<Certificate> authorities = certificates(directory.resolve("ca.pem"));
    List<Certificate> chain = certificates(directory.resolve("cert.pem"));
    Path keyFile = directory.resolve("key.pem");
    PrivateKey key = privateKey(keyFile, chain.get(0).getPublicKey().getAlgorithm());
    try {
      KeyStore trusted = emptyStore();
      for (int i = 0; i < authorities.size(); i++) {
        trusted.setCertificateEntry("ca-" + i, authorities.get(i));
      }
      TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
      trust.init(trusted);
      KeyStore own = emptyStore();
      char[] noPassword = {};
      own.setKeyEntry("key", key, noPassword, chain.toArray(new Certificate[0]));
      KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
      keys.init(own, noPassword);
      SSLContext context = SSLContext.getInstance(PROTOCOL);
      context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
      return new TlsCredentials(context, tls.peerName());
    } catch (GeneralSecurityException | IOException e) {
      throw bad(directory, "cannot be used together: " + e.getMessage(), e);
    }
  }

  private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static byte[] read(Path file) throws MigrationException {
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw bad(file, "is larger than 1 MiB", null);
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw bad(file, "cannot be read (" + e.getClass().getSimpleName() + ")", e);
    }
  }

  private static List<Certificate> certificates(Path file) throws MigrationException {
    byte[] pem = read(file);
    try {
      Collection<? extends Certificate> found =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(pem));
      if (found.isEmpty()) {
        throw bad(file, "has no certificate in it", null);
      }
      return List.copyOf(found);
    } catch (GeneralSecurityException e) {
      throw bad(file, "is no list of X.509 certificates in PEM form", e);
    }
  }

  private static PrivateKey privateKey(Path file, String algorithm) throws MigrationException {
    String pem = new String(read(file), StandardCharsets.US_ASCII);
    int begin = pem.indexOf(KEY_BEGIN);
    int end = pem.indexOf(KEY_END);
    if (begin < 0 || end < begin) {
      throw bad(
          file, "has no line '" + KEY_BEGIN + "': it must be PKCS #8 and not encrypted", null);
    }
    try {
      byte[] der = Base64.getMimeDecoder().decode(pem.substring(begin + KEY_BEGIN.length(), end));
      return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
    } catch (IllegalArgumentException | GeneralSecurityException e) {
      throw bad(file, "is no " + algorithm + " key, as cert.pem beside it wants", e);
    }
  }

  private static MigrationException bad(Path file, String what, @Nullable Exception cause) {
    String detail = file + " " + what;
    return cause == null
        ? new MigrationException(RuntimeError.TRANSPORT_BAD_CREDENTIALS, detail)
        : new MigrationException(RuntimeError.TRANSPORT_BAD_CREDENTIALS, detail, cause);
  }

  /**
   * Creates the engine of one connection.
   *
   * @param port the peer's, for messages
   */
  SSLEngine engine(boolean client, int port) {
    SSLEngine engine =
        peerName.isPresent()
            ? context.createSSLEngine(peerName.get(), port)
            : context.createSSLEngine();
    engine.setUseClientMode(client);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setProtocols(new String[] {PROTOCOL});
    parameters.setCipherSuites(SUITES);
    parameters.setNeedClientAuth(true);
    if (peerName.isPresent()) {
      // RFC 2818, section 3.1: how a name is compared with a certificate.
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
    }
    engine.setSSLParameters(parameters);
    return engine;
  }
}
