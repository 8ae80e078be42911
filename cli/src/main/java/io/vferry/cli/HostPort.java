package io.vferry.cli;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * An address as people write it, {@code dest.example:4444} or {@code [::1]:4444}.
 *
 * @param host without brackets
 * @param port 0 to 65535
 */
record HostPort(String host, int port) {

  private static final Pattern FORM =
      Pattern.compile("(?:\\[([0-9A-Fa-f:.%a-z]+)]|([^\\[\\]:\\s]+)):([0-9]{1,5})");

  /** Looks the host up. */
  InetSocketAddress resolve(String option) throws CommandException {
    try {
      return new InetSocketAddress(InetAddress.getByName(host), port);
    } catch (UnknownHostException e) {
      throw new CommandException(
          ExitCode.USAGE, "vferry: " + option + ": the host '" + host + "' is not known", e);
    }
  }

  static String print(InetSocketAddress address) {
    String host = address.getAddress().getHostAddress();
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + address.getPort();
  }

  /** Reads an address. */
  static final class Converter implements ITypeConverter<HostPort> {
    @Override
    public HostPort convert(String text) {
      Matcher matcher = FORM.matcher(text);
      if (!matcher.matches() || Integer.parseInt(matcher.group(3)) > 65535) {
        throw new TypeConversionException(
            "'" + text + "' is no HOST:PORT, for example dest.example:4444 or [::1]:4444");
      }
      String host = matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
      return new HostPort(host, Integer.parseInt(matcher.group(3)));
    }
  }
}
