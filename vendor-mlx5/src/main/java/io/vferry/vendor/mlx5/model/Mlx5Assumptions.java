package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceParameters;
import io.vferry.vendor.mlx5.prm.CommandStatus;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;

/** The positions a model takes. */
record Mlx5Assumptions(Map<Mlx5Assumption, String> positions) {

  static final String ACCEPT = "ok";

  Mlx5Assumptions {
    positions = Map.copyOf(positions);
  }

  static Mlx5Assumptions read(DeviceParameters parameters) throws MigrationException {
    Map<Mlx5Assumption, String> positions = new EnumMap<>(Mlx5Assumption.class);
    for (Mlx5Assumption assumption : Mlx5Assumption.values()) {
      String value = parameters.text(assumption.key()).orElse(assumption.positions().get(0));
      if (!assumption.positions().contains(value)) {
        throw parameters.refused(
            assumption.key(), "one of " + String.join(", ", assumption.positions()));
      }
      positions.put(assumption, value);
    }
    return new Mlx5Assumptions(positions);
  }

  boolean is(Mlx5Assumption assumption, String position) {
    return position.equals(positions.get(assumption));
  }

  /** Refuses, unless the position is to accept. */
  void check(Mlx5Assumption assumption, String reason) throws Mlx5Refusal {
    if (!is(assumption, ACCEPT)) {
      throw refusal(assumption, reason);
    }
  }

  /** Returns the refusal that the position names. */
  Mlx5Refusal refusal(Mlx5Assumption assumption, String reason) {
    String position = positions.getOrDefault(assumption, ACCEPT);
    return new Mlx5Refusal(
        CommandStatus.valueOf(position.toUpperCase(Locale.ROOT).replace('-', '_')), reason);
  }
}
