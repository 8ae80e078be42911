package io.vferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Inspects recorded streams with the command as it is delivered. */
class InspectIT {

  @TempDir private Path directory;

  private Distribution vferry;

  @BeforeEach
  void prepare() {
    vferry = new Distribution(directory);
  }

  /** A stream as the kernel's mlx5 driver begins it, with an image of {@code length} bytes. */
  private Path stream(int length, int present) throws Exception {
    ByteBuffer bytes = ByteBuffer.allocate(24 + 16 + present).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(8).putInt(1).putInt(1).putLong(0x801000);
    bytes.putLong(length).putInt(0).putInt(0);
    return Files.write(directory.resolve("vf.state"), bytes.array());
  }

  @Test
  void findsTheDriverAndPrintsItsFields() throws Exception {
    Path file = stream(0x1234, 0x1234);

    CommandRun text = vferry.run("inspect", file.toString());
    CommandRun json = vferry.run("inspect", file.toString(), "--output", "json");

    assertThat(text.exitCode()).as(text.err()).isZero();
    assertThat(text.out())
        .contains("a stream of driver mlx5, 4700 bytes\n")
        .containsPattern("24 +16 +record header +FW_DATA, mandatory, 4660 bytes");
    Map<String, Object> found = JsonValue.parseObject(json.out());
    assertThat(found).containsEntry("driver", "mlx5");
    assertThat((List<?>) found.get("fields"))
        .extracting(field -> (Object) ((Map<?, ?>) field).get("name"))
        .containsExactly("record header", "stop-copy size", "record header", "firmware image");
  }

  @Test
  void saysWhyEachDriverRefusesADamagedStream() throws Exception {
    Path file = stream(0x1234, 0x1000);

    CommandRun all = vferry.run("inspect", file.toString());
    CommandRun one = vferry.run("inspect", file.toString(), "--driver", "mlx5");

    assertThat(all.exitCode()).isEqualTo(3);
    assertThat(all.err())
        .contains("is a stream of no driver here:")
        .contains("mlx5: the record at offset 24, FW_DATA, has only 4096 of its 4660 bytes")
        .contains("sim: the stream is bad at offset 0");
    assertThat(one.exitCode()).isEqualTo(3);
    assertThat(one.err()).startsWith("vferry: VF-1004: the record at offset 24");
  }

  @Test
  void complainsAboutAFileAndADriverThatAreNotThere() throws Exception {
    Path file = stream(1, 1);

    CommandRun missing = vferry.run("inspect", directory.resolve("none").toString());
    CommandRun unknown = vferry.run("inspect", file.toString(), "--driver", "mlx4");

    assertThat(missing.exitCode()).isEqualTo(2);
    assertThat(missing.err()).contains("cannot read ");
    assertThat(unknown.exitCode()).isEqualTo(2);
    assertThat(unknown.err()).contains("no driver 'mlx4' with an inspector", "'mlx5'");
  }
}
