package io.vferry.spi.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SharedPartsTest {

  private final SharedParts parts = new SharedParts();
  private final List<String> ended = new ArrayList<>();

  private SharedParts.Lease<StringBuilder> lease(String name) throws MigrationException {
    return parts.lease(
        StringBuilder.class,
        name,
        () -> new StringBuilder(name),
        part -> ended.add(part.toString()));
  }

  @Test
  void allWhoLeaseAtTheSameTimeHaveTheSamePart() throws MigrationException {
    SharedParts.Lease<StringBuilder> first = lease("card");
    assertThat(lease("card").part()).isSameAs(first.part());
    assertThat(lease("other").part()).isNotSameAs(first.part());
  }

  @Test
  void theLastLeaseEndsThePart() throws MigrationException {
    SharedParts.Lease<StringBuilder> first = lease("card");
    SharedParts.Lease<StringBuilder> second = lease("card");
    first.close();
    first.close();
    assertThat(ended).isEmpty();
    second.close();
    assertThat(ended).containsExactly("card");
    assertThat(lease("card").part()).isNotSameAs(first.part());
  }

  @Test
  void partsOfDifferentKindMayHaveOneName() throws MigrationException {
    lease("card");
    assertThat(parts.lease(Integer.class, "card", () -> 7, part -> {}).part()).isEqualTo(7);
  }

  @Test
  void nobodyHasAPartThatCouldNotBeMade() throws MigrationException {
    assertThatThrownBy(
            () ->
                parts.lease(
                    StringBuilder.class,
                    "card",
                    () -> {
                      throw new MigrationException(DeviceError.OPEN_FAILED, "no card");
                    },
                    part -> ended.add("never made")))
        .isInstanceOf(MigrationException.class);
    assertThat(lease("card").part()).hasToString("card");
    assertThat(ended).isEmpty();
  }

  @Test
  void aPartThatDoesNotEndWellIsForgottenAllTheSame() throws MigrationException {
    SharedParts.Lease<Object> lease =
        parts.lease(
            Object.class,
            "card",
            Object::new,
            part -> {
              throw new MigrationException(DeviceError.IO_FAILED, "stuck");
            });
    assertThatThrownBy(lease::close).isInstanceOf(MigrationException.class);
    lease.close();
    assertThat(parts.lease(Object.class, "card", Object::new, part -> {}).part())
        .isNotSameAs(lease.part());
  }
}
