package io.vferry.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@TestInstance(Lifecycle.PER_CLASS)
class LawsTest {

  private final List<House.Room> rooms = House.rooms();
  private final JavaClasses classes = House.classes();

  @Test
  void thereIsSomethingToJudge() {
    assertThat(rooms)
        .extracting(House.Room::folder)
        .contains("spi", "runtime", "host-linux", "vendor-sim");
    assertThat(classes.size()).isGreaterThan(150);
  }

  @Test
  void theJudgeComesLast() {
    assertThat(House.folders()).endsWith("architecture-tests");
  }

  @ParameterizedTest
  @MethodSource("rooms")
  void eachModuleKeepsItsPlace(House.Room room) {
    Laws.place(room.folder(), room.name()).allowEmptyShould(true).check(classes);
  }

  @ParameterizedTest
  @MethodSource("laws")
  void eachLawHolds(ArchRule law) {
    law.allowEmptyShould(true).check(classes);
  }

  private Stream<House.Room> rooms() {
    return rooms.stream();
  }

  private static Stream<ArchRule> laws() {
    return Stream.of(
        Laws.runtimeSeesOnlyTheSpiOfUs(),
        Laws.onlyTheLinuxHostCallsNativeCode(),
        Laws.guiceStaysInOnePackage(),
        Laws.packagesHaveNoCycles(),
        Laws.onlyTheCommandSpeaksAndExits(),
        Laws.namesSayWhatAClassIs(),
        Laws.nativeMethodsTakePrimitives(),
        Laws.nothingStaticChanges());
  }
}
