package io.vferry.cli;

import io.vferry.runtime.transport.Security;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How connections are protected. */
final class SecurityOptions {

  @Option(
      names = "--tls",
      paramLabel = "DIR",
      description =
          "Use TLS 1.3 and prove both sides: DIR holds ca.pem, cert.pem and key.pem (PKCS #8, not"
              + " encrypted).")
  private @Nullable Path tls;

  @Option(
      names = "--plain",
      description =
          "Use no protection: whoever sees the network sees the guest's memory. Only for networks"
              + " that are private as a whole.")
  private boolean plain;

  @Option(
      names = "--peer-name",
      paramLabel = "NAME",
      description =
          "The DNS name or IP address that the other side's certificate must have. For 'migrate'"
              + " the default is the host in --to; for 'receive', any that the CA signed.")
  private @Nullable String peerName;

  boolean given() {
    return tls != null || plain || peerName != null;
  }

  /**
   * Returns what was asked for.
   *
   * @param defaultPeerName the name to ask of the other side if none is given
   * @param why the option that makes an answer necessary
   */
  Security security(Optional<String> defaultPeerName, String why) throws CommandException {
    if (tls != null && plain) {
      throw new CommandException(
          ExitCode.USAGE, "vferry: --tls and --plain exclude each other; give one");
    }
    if (plain) {
      return new Security.Plain();
    }
    if (tls == null) {
      throw new CommandException(
          ExitCode.USAGE,
          "vferry: " + why + " needs --tls DIR, or --plain if the network is private as a whole");
    }
    for (String name : new String[] {"ca.pem", "cert.pem", "key.pem"}) {
      if (!Files.isReadable(tls.resolve(name))) {
        throw new CommandException(
            ExitCode.USAGE, "vferry: --tls: '" + tls.resolve(name) + "' cannot be read");
      }
    }
    return new Security.Tls(tls, Optional.ofNullable(peerName).or(() -> defaultPeerName));
  }
}
