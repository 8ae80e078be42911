package io.vferry.compat.v1;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.MemoryRange;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Reads a recording of v1 accesses, line by line. Numbers are decimal or hexadecimal with {@code
 * 0x}; a {@code #} begins a comment; {@code ! ERRNO} at the end says that the access failed.
 *
 * <pre>
 * read device_state = 1          a field of the header, and what was read
 * write device_state 3
 * read pending_bytes = 4096
 * read data 0x1000 4096          data: offset in the region, length
 * write data 0x1000 4096
 * write data_size 4096
 * read @8 4                      an access by offset and length
 * reset                          VFIO_DEVICE_RESET
 * dirty start                    VFIO_IOMMU_DIRTY_PAGES
 * dirty stop
 * dirty bitmap 0x0 0x200000      I/O virtual address, length
 * dirty unmap 0x0 0x200000       unmap with bitmap
 * </pre>
 */
public final class V1Trace {

  private static final int MAX_LINE_CHARACTERS = 1000;

  private V1Trace() {}

  /**
   * Reads one line.
   *
   * @return empty if it holds no access
   * @throws MigrationException {@code BAD_REQUEST} with what is wrong with it
   */
  public static Optional<V1Access> parse(String line) throws MigrationException {
    if (line.length() > MAX_LINE_CHARACTERS) {
      throw wrong("the line has more than " + MAX_LINE_CHARACTERS + " characters");
    }
    int comment = line.indexOf('#');
    String text = (comment < 0 ? line : line.substring(0, comment)).strip();
    if (text.isEmpty()) {
      return Optional.empty();
    }
    OptionalInt errno = OptionalInt.empty();
    int bang = text.indexOf('!');
    if (bang >= 0) {
      long number = number(text.substring(bang + 1).strip());
      if (number < 1 || number > 4095) {
        throw wrong("'" + text.substring(bang) + "' is no errno; write '! 22'");
      }
      errno = OptionalInt.of((int) number);
      text = text.substring(0, bang).strip();
    }
    return Optional.of(access(text.split("\\s+"), errno));
  }

  private static V1Access access(String[] words, OptionalInt errno) throws MigrationException {
    return switch (words[0]) {
      case "read", "write" -> regionAccess(words, errno);
      case "reset" -> {
        count(words, 1, "reset");
        yield new V1Access.Reset(errno);
      }
      case "dirty" -> dirty(words, errno);
      default -> throw wrong("'" + words[0] + "' is no access; it is read, write, reset or dirty");
    };
  }

  private static V1Access regionAccess(String[] words, OptionalInt errno)
      throws MigrationException {
    boolean write = words[0].equals("write");
    if (words.length < 2) {
      throw wrong("what is accessed? write a field, 'data' or '@OFFSET'");
    }
    if (words[1].equals("data")) {
      count(words, 4, words[0] + " data OFFSET LENGTH");
      return data(write, number(words[2]), length(words[3]), errno);
    }
    if (words[1].startsWith("@")) {
      return atOffset(write, words, errno);
    }
    for (V1Field field : V1Field.values()) {
      if (field.title().equals(words[1])) {
        return field(write, field, words, 2, errno);
      }
    }
    throw wrong(
        "'%s' is no field; they are device_state, pending_bytes, data_offset and data_size"
            .formatted(words[1]));
  }

  private static V1Access atOffset(boolean write, String[] words, OptionalInt errno)
      throws MigrationException {
    if (words.length < 3) {
      throw wrong("how many bytes? write '" + words[0] + " @OFFSET LENGTH'");
    }
    long offset = number(words[1].substring(1));
    long length = length(words[2]);
    if (offset < 0 || offset >= V1Field.HEADER_BYTES) {
      count(words, 3, words[0] + " @OFFSET LENGTH");
      return data(write, offset, length, errno);
    }
    Optional<V1Field> field = V1Field.at(offset, (int) Math.min(length, Integer.MAX_VALUE));
    return field.isPresent()
        ? field(write, field.get(), words, 3, errno)
        : new V1Access.Misfit(write, offset, length, errno);
  }

  private static V1Access data(boolean write, long offset, long length, OptionalInt errno) {
    return write
        ? new V1Access.WriteData(offset, length, errno)
        : new V1Access.ReadData(offset, length, errno);
  }

  private static V1Access field(
      boolean write, V1Field field, String[] words, int next, OptionalInt errno)
      throws MigrationException {
    int at = next < words.length && words[next].equals("=") ? next + 1 : next;
    if (words.length > at + 1 || (at > next && words.length == at)) {
      throw wrong("there is one value, as in 'read pending_bytes = 4096'");
    }
    boolean valued = at < words.length;
    if (!write) {
      OptionalLong value = valued ? OptionalLong.of(number(words[at])) : OptionalLong.empty();
      return new V1Access.ReadField(field, value, errno);
    }
    if (!valued) {
      throw wrong("what is written? give the value, as in 'write device_state 3'");
    }
    return new V1Access.WriteField(field, number(words[at]), errno);
  }

  private static V1Access dirty(String[] words, OptionalInt errno) throws MigrationException {
    String what = words.length > 1 ? words[1] : "";
    switch (what) {
      case "start" -> {
        count(words, 2, "dirty start");
        return new V1Access.DirtyStart(errno);
      }
      case "stop" -> {
        count(words, 2, "dirty stop");
        return new V1Access.DirtyStop(errno);
      }
      case "bitmap", "unmap" -> {
        count(words, 4, "dirty " + what + " IOVA LENGTH");
        try {
          return new V1Access.DirtyBitmap(
              what.equals("unmap"), new MemoryRange(number(words[2]), length(words[3])), errno);
        } catch (IllegalArgumentException e) {
          throw wrong(String.valueOf(e.getMessage()));
        }
      }
      default -> throw wrong("'dirty' is followed by start, stop, bitmap or unmap");
    }
  }

  private static void count(String[] words, int expected, String form) throws MigrationException {
    if (words.length != expected) {
      throw wrong("'" + String.join(" ", words) + "' is not of the form '" + form + "'");
    }
  }

  private static long length(String word) throws MigrationException {
    long length = number(word);
    if (length < 1) {
      throw wrong("a length of '" + word + "'; it is at least 1");
    }
    return length;
  }

  private static long number(String word) throws MigrationException {
    try {
      return word.startsWith("0x")
          ? Long.parseUnsignedLong(word.substring(2), 16)
          : Long.parseUnsignedLong(word);
    } catch (NumberFormatException e) {
      throw wrong("'" + word + "' is no number");
    }
  }

  private static MigrationException wrong(String what) {
    return new MigrationException(DeviceError.BAD_REQUEST, what);
  }
}
