package io.vferry.runtime.transport;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A key and a certificate that signs itself, made by the JDK's keytool. */
record TestCredentials(String certificatePem, String keyPem) {

  private static final String PASSWORD = "changeit";

  /** Makes new ones for a host name and 127.0.0.1. */
  static TestCredentials make(Path directory, String name, String algorithm)
      throws IOException, InterruptedException, GeneralSecurityException {
    Path store = directory.resolve(name + ".p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "key",
                "-keyalg",
                algorithm,
                "-dname",
                "CN=" + name,
                "-ext",
                "san=dns:" + name + ",ip:127.0.0.1",
                "-validity",
                "3650",
                "-storetype",
                "PKCS12",
                "-keystore",
                store.toString(),
                "-storepass",
                PASSWORD)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve(name + ".log").toFile())
            .start();
    if (!keytool.waitFor(120, TimeUnit.SECONDS) || keytool.exitValue() != 0) {
      throw new IOException(Files.readString(directory.resolve(name + ".log")));
    }
    KeyStore keys = KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
    return new TestCredentials(
        pem("CERTIFICATE", keys.getCertificate("key").getEncoded()),
        pem("PRIVATE KEY", keys.getKey("key", PASSWORD.toCharArray()).getEncoded()));
  }

  private static String pem(String type, byte[] der) {
    return "-----BEGIN %s-----%n%s%n-----END %s-----%n"
        .formatted(
            type,
            Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(der),
            type);
  }

  /** Writes the three files of one side, which trusts the given other one. */
  Security.Tls writeTo(Path directory, TestCredentials trusted, Optional<String> peerName)
      throws IOException {
    Files.createDirectories(directory);
    Files.writeString(directory.resolve("cert.pem"), certificatePem);
    Files.writeString(directory.resolve("key.pem"), keyPem);
    Files.writeString(directory.resolve("ca.pem"), trusted.certificatePem);
    return new Security.Tls(directory, peerName);
  }
}
