package io.vferry.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Keys and certificates of two processes on one host that talk once over the loopback, in a
 * directory that only this user may enter. Made with the {@code keytool} of the JDK.
 */
final class ThrowAwayKeys implements AutoCloseable {

  private static final long KEYTOOL_SECONDS = 60;

  private final Path root;
  private final String password = password();
  private final List<Process> makers = new ArrayList<>();

  private ThrowAwayKeys(Path root) {
    this.root = root;
  }

  /**
   * Begins to make them; both sides at the same time, because a start takes longer than the work.
   */
  static ThrowAwayKeys begin() throws IOException {
    Path root =
        Files.createTempDirectory(
            "vferry-",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    ThrowAwayKeys keys = new ThrowAwayKeys(root);
    try {
      keys.makers.add(keys.keytool("source"));
      keys.makers.add(keys.keytool("destination"));
      return keys;
    } catch (IOException | RuntimeException e) {
      keys.close();
      throw e;
    }
  }

  /** Returns what the source presents and trusts. */
  Path source() {
    return root.resolve("source");
  }

  /** Returns what the destination presents and trusts. */
  Path destination() {
    return root.resolve("destination");
  }

  /** Waits until they are made. */
  void await() throws IOException, InterruptedException {
    for (Process maker : makers) {
      await(maker);
    }
    String trusted = write("source") + write("destination");
    for (Path side : List.of(source(), destination())) {
      Files.writeString(side.resolve("ca.pem"), trusted);
    }
  }

  private Process keytool(String side) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
            "-J-XX:TieredStopAtLevel=1",
            "-J-XX:+UseSerialGC",
            // The store lives for a second, in a directory that nobody else enters, and its
            // password
            // is random: stretching it would only cost time.
            "-J-Dkeystore.pkcs12.keyPbeIterationCount=1",
            "-J-Dkeystore.pkcs12.certPbeIterationCount=1",
            "-J-Dkeystore.pkcs12.macIterationCount=1",
            "-genkeypair",
            "-alias",
            "key",
            "-keyalg",
            "EC",
            "-groupname",
            "secp256r1",
            "-validity",
            "2",
            // The clocks of two processes on one host agree; a minute is for a clock set back.
            "-startdate",
            "-1M",
            "-dname",
            "CN=vferry " + side,
            "-ext",
            "SAN=IP:127.0.0.1,DNS:localhost",
            "-storetype",
            "PKCS12",
            "-keystore",
            store(side).toString(),
            // Not on the command line, where others could read it.
            "-storepass:env",
            "VFERRY_STORE_PASSWORD");
    builder.environment().put("VFERRY_STORE_PASSWORD", password);
    builder.redirectErrorStream(true);
    builder.redirectOutput(root.resolve(side + ".log").toFile());
    Process process = builder.start();
    process.getOutputStream().close();
    return process;
  }

  private void await(Process process) throws IOException, InterruptedException {
    if (!process.waitFor(KEYTOOL_SECONDS, TimeUnit.SECONDS)) {
      throw new IOException("keytool did not end within " + KEYTOOL_SECONDS + " s");
    }
    if (process.exitValue() != 0) {
      throw new IOException(
          "keytool failed: "
              + Files.readString(root.resolve("source.log")).strip()
              + Files.readString(root.resolve("destination.log")).strip());
    }
  }

  private Path store(String side) {
    return root.resolve(side + ".p12");
  }

  /** Takes the key out of the store; returns the certificate. */
  private String write(String side) throws IOException {
    try (InputStream in = Files.newInputStream(store(side))) {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(in, password.toCharArray());
      Key key = store.getKey("key", password.toCharArray());
      String certificate = pem("CERTIFICATE", store.getCertificate("key").getEncoded());
      Path directory = Files.createDirectory(root.resolve(side));
      Files.writeString(directory.resolve("key.pem"), pem("PRIVATE KEY", key.getEncoded()));
      Files.writeString(directory.resolve("cert.pem"), certificate);
      return certificate;
    } catch (GeneralSecurityException e) {
      throw new IOException("the key that keytool made cannot be read", e);
    }
  }

  private static String pem(String type, byte[] content) {
    String lines =
        Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(content);
    return "-----BEGIN " + type + "-----\n" + lines + "\n-----END " + type + "-----\n";
  }

  private static String password() {
    byte[] random = new byte[16];
    new SecureRandom().nextBytes(random);
    return HexFormat.of().formatHex(random);
  }

  /** Ends what still makes them, and removes everything. */
  @Override
  public void close() {
    makers.forEach(Process::destroyForcibly);
    makers.forEach(maker -> maker.onExit().join());
    TemporaryDirectory.remove(root);
  }
}
