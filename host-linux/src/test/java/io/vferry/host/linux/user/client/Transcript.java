package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.vferry.host.linux.syscall.Fd;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A server that knows one conversation by heart. Lines that begin with {@code >} are what the
 * client must say, those with {@code <} what it is answered, both as hexadecimal digits and quoted
 * text; lines that begin with a space go on with the one before. What follows {@code #} is for
 * people.
 */
final class Transcript extends FakePeer {

  private static final Pattern TOKEN = Pattern.compile("\"((?:[^\"\\\\]|\\\\.)*)\"|[0-9a-f]+");

  private record Line(boolean fromClient, byte[] bytes, String text) {}

  private final Deque<Line> lines = new ArrayDeque<>();

  Transcript(String text) {
    StringBuilder line = new StringBuilder();
    for (String next : text.lines().toList()) {
      String content = next.replaceFirst("#.*", "").stripTrailing();
      if (content.isEmpty()) {
        continue;
      }
      if (content.startsWith(" ")) {
        line.append(content);
        continue;
      }
      add(line.toString());
      line = new StringBuilder(content);
    }
    add(line.toString());
  }

  private void add(String line) {
    if (line.isEmpty()) {
      return;
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Matcher token = TOKEN.matcher(line.substring(1));
    while (token.find()) {
      bytes.writeBytes(
          token.group(1) != null
              ? token.group(1).replace("\\\"", "\"").getBytes(StandardCharsets.UTF_8)
              : HexFormat.of().parseHex(token.group()));
    }
    lines.add(new Line(line.charAt(0) == '>', bytes.toByteArray(), line));
  }

  @Override
  void hear(ByteBuffer message, List<Fd> files) {
    Line expected = lines.poll();
    if (expected == null || !expected.fromClient) {
      fail("the client speaks out of turn: " + HexFormat.of().formatHex(message.array()));
    } else {
      assertThat(HexFormat.of().formatHex(message.array()))
          .as(expected.text)
          .isEqualTo(HexFormat.of().formatHex(expected.bytes));
    }
    while (!lines.isEmpty() && !lines.getFirst().fromClient) {
      say(lines.removeFirst().bytes);
    }
  }

  /** Checks that everything was said. */
  void assertOver() {
    assertThat(lines).as("what the client should have said").isEmpty();
    assertThat(allTaken()).as("the client heard everything").isTrue();
  }
}
