package io.vferry.compat.v1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.compat.v1.V1Translation.Verdict;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.FeatureSet;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class V1TranslatorTest {

  private final V1Translator translator = new V1Translator(FeatureSet.STOP_COPY_P2P_PRE_COPY);

  private List<V1Translation> translate(String... lines) throws MigrationException {
    List<V1Translation> translations = new ArrayList<>();
    for (String line : lines) {
      translations.add(translator.translate(V1Trace.parse(line).orElseThrow()));
    }
    return translations;
  }

  private V1Translation last(String trace) throws MigrationException {
    List<V1Translation> all = translate(trace.split("; "));
    return all.get(all.size() - 1);
  }

  @Test
  void aCorrectSaveIsLegalFromEndToEnd() throws MigrationException {
    List<V1Translation> save =
        translate(
            "read device_state = 1",
            "write device_state 3",
            "read pending_bytes = 100",
            "read data_offset = 0x1000",
            "read data_size = 100",
            "read data 0x1000 64",
            "read data 0x1040 36",
            "read pending_bytes = 0",
            "write device_state 2",
            "read pending_bytes = 8",
            "read data_offset = 0x1000",
            "read data_size = 8",
            "read data 0x1000 8",
            "read pending_bytes = 0",
            "write device_state 0");
    assertThat(save).allSatisfy(t -> assertThat(t.verdict()).isEqualTo(Verdict.LEGAL));
    assertThat(save.get(1).replacement())
        .containsExactly(
            "SET MIG_DEVICE_STATE PRE_COPY: RUNNING -> PRE_COPY",
            "keep the new data_fd for read()");
    assertThat(save.get(8).replacement())
        .containsExactly("SET MIG_DEVICE_STATE STOP_COPY: PRE_COPY -> PRE_COPY_P2P -> STOP_COPY");
    assertThat(save.get(14).replacement())
        .containsExactly("SET MIG_DEVICE_STATE STOP: STOP_COPY -> STOP", "close(data_fd)");
  }

  @Test
  void aCorrectLoadIsLegalFromEndToEnd() throws MigrationException {
    List<V1Translation> load =
        translate(
            "write device_state 4",
            "read data_offset = 4096",
            "write data 4096 100",
            "write data_size 100",
            "read @16 8 = 4096",
            "write data 4096 20",
            "write @24 8 20",
            "write device_state 1");
    assertThat(load).allSatisfy(t -> assertThat(t.verdict()).isEqualTo(Verdict.LEGAL));
    assertThat(load.get(3).replacement()).containsExactly("write(data_fd, 100 bytes)");
    assertThat(load.get(7).replacement())
        .containsExactly(
            "SET MIG_DEVICE_STATE RUNNING: RESUMING -> STOP -> RUNNING_P2P -> RUNNING",
            "close(data_fd)");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "write device_state 5 | ILLEGAL | no state",
        "write device_state 6 | ILLEGAL | cannot be asked for",
        "write device_state 7 | ILLEGAL | no state",
        "write device_state 0; write device_state 1 | LUCK | QEMU makes it",
        "write device_state 0; write device_state 3 | LUCK | QEMU never makes it",
        "write device_state 2; write device_state 3 | ILLEGAL | cannot go back",
        "read device_state = 6; write device_state 1 | ILLEGAL | Only a reset",
        "read device_state = 0x101; write device_state 3 | LUCK | Reserved bits",
        "write device_state 3; read device_state = 1 | LUCK | nobody but a reset",
        "read device_state = 5 | ILLEGAL | no state",
        "read pending_bytes | LUCK | only while saving",
        "write device_state 2; read data_offset | LUCK | begins with a read of pending_bytes",
        "write device_state 2; read pending_bytes = 1; read data_size = 1 | LUCK | before data_offset",
        "write device_state 2; read pending_bytes = 0; read data_offset | LUCK | nothing is pending",
        "write device_state 2; read pending_bytes = 1; read data 4096 1 | ILLEGAL | before data_offset",
        "write device_state 2; read pending_bytes = 9; read data_offset = 64; read data_size = 9; read data 64 10 | ILLEGAL | leaves the chunk",
        "write device_state 2; read pending_bytes = 9; read data_offset = 64; read data_size = 9; read data 64 8; read pending_bytes = 0 | ILLEGAL | the rest is lost",
        "write device_state 2; read pending_bytes = 9; write device_state 0 | ILLEGAL | before pending_bytes was 0",
        "write device_state 3; read pending_bytes = 9; read data_offset = 64; write device_state 2 | LUCK | not collected",
        "write data 4096 1 | ILLEGAL | not resuming",
        "write data_size 1 | ILLEGAL | only while resuming",
        "write device_state 4; write data 4096 1 | LUCK | read anew",
        "write device_state 4; read data_offset = 64; write data 32 1 | ILLEGAL | before the data window",
        "write device_state 4; read data_offset = 64; write data 64 1; write data_size 2 | ILLEGAL | 2 bytes of data are handed over and 1 were stored",
        "write device_state 4; read data_offset = 64; write data 64 2; write data_size 1 | LUCK | keeps its size",
        "write device_state 4; read data_offset = 64; write data 64 2; write device_state 1 | ILLEGAL | never handed over",
        "write pending_bytes 1 | ILLEGAL | read only",
        "write data_offset 1 | ILLEGAL | read only",
        "write @4 4 1 | LUCK | reserved",
        "read @8 4 | ILLEGAL | accessed whole",
        "write @1 4 | ILLEGAL | accessed whole",
        "dirty bitmap 0 4096 | ILLEGAL | Tracking is off",
        "dirty start; dirty bitmap 0 4096 | LEGAL | ''",
        "dirty start; dirty stop; dirty unmap 0 4096 | ILLEGAL | Tracking is off",
        "write device_state 2 ! 5; read device_state = 1 | LEGAL | ''",
        "write device_state 2; reset; write device_state 3 | LEGAL | ''"
      })
  void judgesWhatWentBefore(String trace, Verdict verdict, String remark)
      throws MigrationException {
    V1Translation translation = last(trace);
    assertThat(translation.verdict()).isEqualTo(verdict);
    assertThat(String.join(" ", translation.remarks())).contains(remark);
    assertThat(translation.remarks().isEmpty()).isEqualTo(verdict == Verdict.LEGAL);
  }

  /**
   * Whole recordings with what is said of them, as a person reads it. In the file a line that
   * begins with '>' is an access, the lines below it are the translation, and '#' begins a
   * recording with what the device can do.
   */
  @Test
  void saysOfWholeRecordingsWhatTheFileSays() throws Exception {
    Path file = Path.of("src/test/resources/io/vferry/compat/v1/translations.golden.txt");
    List<String> said = new ArrayList<>();
    V1Translator current = translator;
    for (String line : Files.readAllLines(file)) {
      if (line.startsWith("# ")) {
        said.add(line);
        current = new V1Translator(FeatureSet.valueOf(line.substring(line.lastIndexOf(' ') + 1)));
      } else if (line.startsWith("> ")) {
        said.add(line);
        V1Translation translation =
            current.translate(V1Trace.parse(line.substring(2)).orElseThrow());
        said.add("    " + translation.verdict() + ": " + translation.meaning());
        translation.replacement().forEach(call -> said.add("    v2 " + call));
        translation.remarks().forEach(remark -> said.add("    ! " + remark));
      }
    }
    if ("write".equals(System.getProperty("vferry.docs"))) {
      Files.write(file, said);
    }
    assertThat(said).hasSizeGreaterThan(100);
    assertThat(Files.readAllLines(file)).isEqualTo(said);
  }

  @Test
  void aDeviceWithoutPreCopyHasNothingToDoForIt() throws MigrationException {
    V1Translator plain = new V1Translator(FeatureSet.STOP_COPY);
    assertThat(plain.translate(V1Trace.parse("write device_state 3").orElseThrow()).replacement())
        .containsExactly("nothing: this device has no pre-copy and goes on running");
    assertThat(plain.translate(V1Trace.parse("write device_state 2").orElseThrow()).replacement())
        .first()
        .isEqualTo("SET MIG_DEVICE_STATE STOP_COPY: RUNNING -> STOP -> STOP_COPY");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "raed device_state",
        "read",
        "read nothing",
        "write device_state",
        "read data 1",
        "read data 1 0",
        "read data x 1",
        "read @8",
        "read @ 8",
        "reset now",
        "dirty",
        "dirty go",
        "dirty bitmap 1",
        "dirty bitmap 0xffffffffffffffff 2",
        "read device_state = 1 2",
        "read device_state =",
        "write device_state 3 !",
        "write device_state 3 ! 0",
        "write device_state 99999999999999999999",
        "write device_state -1",
        "read device_state = 0x"
      })
  void saysWhatIsWrongWithALine(String line) {
    assertThat(catchThrowableOfType(MigrationException.class, () -> V1Trace.parse(line)))
        .isNotNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "   ", "# read", "  # ! 5"})
  void stepsOverLinesWithoutAnAccess(String line) throws MigrationException {
    assertThat(V1Trace.parse(line)).isEmpty();
  }
}
