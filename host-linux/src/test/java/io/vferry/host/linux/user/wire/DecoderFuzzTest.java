package io.vferry.host.linux.user.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Feeds each decoder what has never been written by hand: mutants of the seeds in {@code
 * seeds.txt}, and mutants of those. Whatever it gets, a decoder refuses it with its own exception
 * or gives a message that can be written and read again.
 *
 * <p>The number of inputs is fixed. More of them: {@code -Dvferry.fuzz.inputs=10000000}. The same
 * again: {@code -Dvferry.fuzz.seed=} with the number that a failure names.
 */
class DecoderFuzzTest {

  private static final int INPUTS = Integer.getInteger("vferry.fuzz.inputs", 200_000);
  private static final int LARGEST = 1 << 16;

  private static final long[] EDGES = {
    0,
    1,
    7,
    8,
    15,
    16,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    1 << 20,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    0xffffffffL,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    -1,
    -16
  };

  private static final Map<String, MessageLayoutTest.Decoder> DECODERS =
      Map.ofEntries(
          Map.entry("version", VersionMessage::decode),
          Map.entry("dma-map", DmaMapMessage::decode),
          Map.entry("dma-unmap", DmaUnmapMessage::decode),
          Map.entry("device-info", DeviceInfoMessage::decodeReply),
          Map.entry("region-info-question", RegionInfoMessage.Question::decode),
          Map.entry("region-info", RegionInfoMessage::decode),
          Map.entry("region-io-fds-question", RegionIoFdsMessage.Question::decode),
          Map.entry("region-io-fds", RegionIoFdsMessage::decode),
          Map.entry("irq-info", IrqInfoMessage::decode),
          Map.entry("set-irqs", SetIrqsMessage::decode),
          Map.entry(
              "region-access",
              in -> RegionAccessMessage.decodeWithoutData(Command.REGION_READ, in, LARGEST)),
          Map.entry(
              "region-data",
              in -> RegionAccessMessage.decodeWithData(Command.REGION_WRITE, in, LARGEST)),
          Map.entry(
              "dma-access",
              in ->
                  DmaAccessMessage.decodeWithoutData(
                      Command.DMA_READ, DmaLayout.CURRENT, in, LARGEST)),
          Map.entry(
              "dma-data",
              in ->
                  DmaAccessMessage.decodeWithData(
                      Command.DMA_WRITE, DmaLayout.CURRENT, in, LARGEST)),
          Map.entry(
              "dma-data-qemu-10-2",
              in ->
                  DmaAccessMessage.decodeWithData(
                      Command.DMA_WRITE, DmaLayout.QEMU_10_2, in, LARGEST)),
          Map.entry("region-write-multi", RegionWriteMultiMessage::decode),
          Map.entry(
              "region-write-multi-done",
              payload -> RegionWriteMultiMessage.Done.decode(payload, 200)),
          Map.entry("feature", FeatureMessage::decode),
          Map.entry("migration-flags", MigrationFlagsFeature::decode),
          Map.entry("device-state", DeviceStateFeature::decode),
          Map.entry("logging-start", LoggingStartFeature::decode),
          Map.entry("logging-report", LoggingReportFeature::decode),
          Map.entry("data-read", in -> MigrationDataMessage.decodeRead(in, LARGEST)),
          Map.entry("data-write", in -> MigrationDataMessage.decodeWrite(in, LARGEST)),
          Map.entry("precopy-info", PrecopyInfoMessage::decode));

  /** The seeds by decoder: a name, then bytes; {@code #} begins a comment. */
  private static Map<String, List<byte[]>> seeds() {
    Map<String, List<byte[]>> seeds = new TreeMap<>();
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(
                Objects.requireNonNull(DecoderFuzzTest.class.getResourceAsStream("seeds.txt")),
                StandardCharsets.UTF_8))) {
      for (String line : in.lines().toList()) {
        String[] words = line.replaceFirst("#.*", "").trim().split("\\s+", 2);
        if (!words[0].isEmpty()) {
          byte[] seed =
              words.length == 1
                  ? new byte[0]
                  : HexFormat.of().parseHex(words[1].replaceAll("\\s", ""));
          seeds.computeIfAbsent(words[0], name -> new ArrayList<>()).add(seed);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return seeds;
  }

  @Test
  void eachDecoderHasASeedThatItTakes() throws MalformedMessageException {
    Map<String, List<byte[]>> seeds = seeds();
    assertThat(seeds.keySet()).isEqualTo(DECODERS.keySet());
    for (Map.Entry<String, List<byte[]>> entry : seeds.entrySet()) {
      ByteBuffer first = ByteBuffer.wrap(entry.getValue().get(0));
      Payload payload = DECODERS.get(entry.getKey()).decode(first);
      assertThat(Hex.of(payload).remaining()).as(entry.getKey()).isPositive();
    }
  }

  @Test
  void aDecoderRefusesOrGivesWhatCanBeWritten() {
    long seed = Long.getLong("vferry.fuzz.seed", new Random().nextLong());
    Random random = new Random(seed);
    List<Map.Entry<String, List<byte[]>>> corpora = new ArrayList<>();
    seeds().forEach((name, seeds) -> corpora.add(Map.entry(name, new ArrayList<>(seeds))));
    long taken = 0;
    for (int i = 0; i < INPUTS; i++) {
      Map.Entry<String, List<byte[]>> corpus = corpora.get(random.nextInt(corpora.size()));
      byte[] input = mutant(corpus.getValue(), random);
      try {
        if (check(DECODERS.get(corpus.getKey()), input)) {
          taken++;
          if (corpus.getValue().size() < 1000) {
            corpus.getValue().add(input);
          }
        }
      } catch (RuntimeException | Error e) {
        throw new AssertionError(
            "seed %d, input %d: %s of %s"
                .formatted(seed, i, corpus.getKey(), HexFormat.of().formatHex(input)),
            e);
      }
    }
    // Else the mutants are so wild that only the first check of each decoder is tried.
    assertThat(taken).as("inputs taken, seed %d", seed).isBetween(INPUTS / 10L, INPUTS * 9L / 10);
  }

  /** Returns whether it was taken. */
  private static boolean check(MessageLayoutTest.Decoder decoder, byte[] input) {
    ByteBuffer in = ByteBuffer.wrap(input);
    Payload first;
    try {
      first = decoder.decode(in);
    } catch (MalformedMessageException e) {
      assertThat(e.errno()).isEqualTo(22);
      assertThat(e.getMessage()).isNotBlank();
      return false;
    }
    assertThat(in.remaining()).as("bytes left for another reader").isEqualTo(input.length);
    ByteBuffer written = Hex.of(first);
    try {
      assertThat(decoder.decode(written)).isEqualTo(first);
    } catch (MalformedMessageException e) {
      throw new AssertionError("cannot read what it wrote: " + first, e);
    }
    return true;
  }

  private static byte[] mutant(List<byte[]> corpus, Random random) {
    byte[] input = corpus.get(random.nextInt(corpus.size())).clone();
    for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
      input =
          switch (random.nextInt(6)) {
            case 0 -> flipBit(input, random);
            case 1, 2 -> putEdge(input, random);
            case 3 -> resize(input, random);
            case 4 -> splice(input, corpus.get(random.nextInt(corpus.size())), random);
            default -> putByte(input, random);
          };
    }
    return input;
  }

  private static byte[] flipBit(byte[] input, Random random) {
    if (input.length > 0) {
      input[random.nextInt(input.length)] ^= (byte) (1 << random.nextInt(8));
    }
    return input;
  }

  private static byte[] putByte(byte[] input, Random random) {
    if (input.length > 0) {
      input[random.nextInt(input.length)] = (byte) random.nextInt();
    }
    return input;
  }

  /** A number at the edge of a range, or near the length, at a place where numbers stand. */
  private static byte[] putEdge(byte[] input, Random random) {
    int width = 1 << random.nextInt(4);
    if (input.length < width) {
      return input;
    }
    int at = random.nextInt(input.length / width) * width;
    long edge =
        random.nextBoolean()
            ? EDGES[random.nextInt(EDGES.length)]
            : input.length + random.nextInt(5) - 2;
    ByteBuffer out = ByteBuffer.wrap(input).order(ByteOrder.nativeOrder());
    switch (width) {
      case 1 -> out.put(at, (byte) edge);
      case 2 -> out.putShort(at, (short) edge);
      case 4 -> out.putInt(at, (int) edge);
      default -> out.putLong(at, edge);
    }
    return input;
  }

  private static byte[] resize(byte[] input, Random random) {
    int size = Math.max(0, Math.min(LARGEST, input.length + random.nextInt(65) - 32));
    return Arrays.copyOf(input, size);
  }

  private static byte[] splice(byte[] head, byte[] tail, Random random) {
    int keep = head.length == 0 ? 0 : random.nextInt(head.length + 1);
    int from = tail.length == 0 ? 0 : random.nextInt(tail.length + 1);
    byte[] spliced = Arrays.copyOf(head, Math.min(LARGEST, keep + tail.length - from));
    System.arraycopy(tail, from, spliced, keep, spliced.length - keep);
    return spliced;
  }
}
