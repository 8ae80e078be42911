package io.vferry.spi.host;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Where a device is: {@code scheme:path?key=value&key=value}, for example {@code vfio:0000:3b:00.2}
 * or {@code sim:mlx5?state=64MiB}.
 *
 * @param scheme names the {@link HostBackend}: lower-case letters, digits and {@code -}
 * @param path what the backend makes of it; not empty, without {@code ?}
 * @param parameters options for the backend, in the order written; names are not empty, without
 *     {@code =} and {@code &}; values are without {@code &}
 */
public record DeviceAddress(String scheme, String path, Map<String, String> parameters) {

  /**
   * Creates an address. No part contains control characters.
   *
   * @throws IllegalArgumentException with a sentence for people if a part is not as said above
   */
  public DeviceAddress {
    if (!scheme.matches("[a-z][a-z0-9-]*")) {
      throw new IllegalArgumentException("'" + scheme + "' is no scheme of a device address");
    }
    if (path.isEmpty() || path.indexOf('?') >= 0 || hasControl(path)) {
      throw new IllegalArgumentException("'" + path + "' is no path of a device address");
    }
    parameters.forEach(
        (name, value) -> {
          if (name.isEmpty() || name.matches(".*[=&].*") || hasControl(name)) {
            throw new IllegalArgumentException(
                "'" + name + "' is no name of a parameter of a device address");
          }
          if (value.indexOf('&') >= 0 || hasControl(value)) {
            throw new IllegalArgumentException(
                "'" + value + "' is no value of parameter '" + name + "' of a device address");
          }
        });
    parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
  }

  private static boolean hasControl(String text) {
    return text.chars().anyMatch(Character::isISOControl);
  }

  /**
   * Reads an address from its printed form.
   *
   * @throws IllegalArgumentException with a sentence for people if it is none
   */
  public static DeviceAddress parse(String text) {
    int colon = text.indexOf(':');
    if (colon < 0) {
      throw new IllegalArgumentException(
          "'" + text + "' is no device address: write scheme:path, for example vfio:0000:3b:00.2");
    }
    int question = text.indexOf('?', colon);
    String path = text.substring(colon + 1, question < 0 ? text.length() : question);
    Map<String, String> parameters = new LinkedHashMap<>();
    if (question >= 0) {
      for (String pair : text.substring(question + 1).split("&", -1)) {
        int equals = pair.indexOf('=');
        if (equals <= 0) {
          throw new IllegalArgumentException(
              "'" + pair + "' in '" + text + "' is no parameter: write key=value");
        }
        if (parameters.put(pair.substring(0, equals), pair.substring(equals + 1)) != null) {
          throw new IllegalArgumentException(
              "parameter '" + pair.substring(0, equals) + "' stands twice in '" + text + "'");
        }
      }
    }
    return new DeviceAddress(text.substring(0, colon), path, parameters);
  }

  /** Returns the printed form, which {@link #parse} reads. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(scheme).append(':').append(path);
    char separator = '?';
    for (Map.Entry<String, String> parameter : parameters.entrySet()) {
      text.append(separator).append(parameter.getKey()).append('=').append(parameter.getValue());
      separator = '&';
    }
    return text.toString();
  }
}
