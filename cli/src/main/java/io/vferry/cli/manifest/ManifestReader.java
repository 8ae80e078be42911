package io.vferry.cli.manifest;

import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.plan.Settings;
import io.vferry.spi.host.DeviceAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Reads a manifest from YAML.
 *
 * <p>The file is not trusted: it has at most 1 MiB, 16 levels, 100 aliases and 1024 devices. The
 * first mistake is reported with its place.
 */
public final class ManifestReader {

  private static final int MAX_DEVICES = 1024;

  private final Map<String, Place> idPlaces = new LinkedHashMap<>();
  private final Map<String, ManifestFile.DevicePlaces> devicePlaces = new LinkedHashMap<>();

  private ManifestReader() {}

  /**
   * Reads a file.
   *
   * @throws ManifestException with {@code file:line:column: what is wrong}
   */
  public static ManifestFile read(Path path) throws ManifestException {
    return new ManifestReader().file(path, YamlReader.read(path));
  }

  private ManifestFile file(Path path, YamlNode root) throws ManifestException {
    Fields top = Fields.of(root, "the manifest", List.of("vm", "settings", "devices"));
    Fields vmFields =
        Fields.of(top.required("vm"), "vm", List.of("name", "adaptor", "memory", "options"));
    Manifest.Vm vm = vm(vmFields);
    Optional<YamlNode> settings = top.node("settings");
    Settings how = settings.isPresent() ? SettingsReader.read(settings.get()) : Settings.defaults();
    YamlNode deviceList = top.required("devices");
    List<Manifest.Device> devices = devices(Fields.list("devices", deviceList), deviceList.place());
    if (devices.isEmpty() && vm.adaptor().equals("none")) {
      throw new ManifestException(
          deviceList.place(), "nothing to move: there is no device, and no adaptor for the vm");
    }
    return new ManifestFile(
        path, new Manifest(vm, devices, how), vmFields.placeOf("adaptor"), devicePlaces);
  }

  private static Manifest.Vm vm(Fields fields) throws ManifestException {
    String name = Fields.text("name", fields.required("name"));
    if (name.length() > 128) {
      throw new ManifestException(fields.placeOf("name"), "name: longer than 128 characters");
    }
    String adaptor = fields.text("adaptor").orElse("none");
    long memoryBytes = fields.convert("memory", Quantity.SIZE::parse).orElse(0L);
    Map<String, String> options = new LinkedHashMap<>();
    Optional<YamlNode> node = fields.node("options");
    if (node.isPresent()) {
      if (!(node.get() instanceof YamlNode.Mapping mapping)) {
        throw new ManifestException(
            node.get().place(), "options must be a mapping (key: value), not " + node.get().kind());
      }
      for (Map.Entry<String, YamlNode.Entry> option : mapping.entries().entrySet()) {
        options.put(option.getKey(), Fields.text(option.getKey(), option.getValue().value()));
      }
    }
    return new Manifest.Vm(name, adaptor, memoryBytes, options);
  }

  private List<Manifest.Device> devices(List<YamlNode> nodes, Place place)
      throws ManifestException {
    if (nodes.size() > MAX_DEVICES) {
      throw new ManifestException(
          place, nodes.size() + " devices; a manifest has at most " + MAX_DEVICES);
    }
    List<Manifest.Device> devices = new ArrayList<>();
    List<List<YamlNode>> peerNodes = new ArrayList<>();
    for (YamlNode node : nodes) {
      Fields fields =
          Fields.of(node, "a device", List.of("id", "host", "destination", "driver", "peers"));
      Optional<YamlNode> peers = fields.node("peers");
      List<YamlNode> peerList = peers.isPresent() ? Fields.list("peers", peers.get()) : List.of();
      devices.add(device(fields, peerList));
      peerNodes.add(peerList);
    }
    for (int i = 0; i < devices.size(); i++) {
      checkPeers(devices.get(i), peerNodes.get(i));
    }
    return devices;
  }

  private Manifest.Device device(Fields fields, List<YamlNode> peerNodes) throws ManifestException {
    String id = Fields.text("id", fields.required("id"));
    Place idPlace = fields.placeOf("id");
    Place twin = idPlaces.putIfAbsent(id, idPlace);
    if (twin != null) {
      throw new ManifestException(
          idPlace, "device '" + id + "' is here twice; the first is on line " + twin.line());
    }
    fields.required("host");
    DeviceAddress host = fields.convert("host", DeviceAddress::parse).orElseThrow();
    Optional<DeviceAddress> destination = fields.convert("destination", DeviceAddress::parse);
    Set<String> peers = new LinkedHashSet<>();
    for (YamlNode peer : peerNodes) {
      if (!peers.add(Fields.text("peers", peer))) {
        throw new ManifestException(
            peer.place(), "peer '" + Fields.text("peers", peer) + "' is here twice");
      }
    }
    devicePlaces.put(
        id,
        new ManifestFile.DevicePlaces(
            idPlace,
            fields.placeOf("host"),
            fields.placeOf("destination"),
            fields.placeOf("driver")));
    try {
      return new Manifest.Device(id, host, destination, fields.text("driver"), List.copyOf(peers));
    } catch (IllegalArgumentException e) {
      throw new ManifestException(idPlace, "id: " + e.getMessage());
    }
  }

  private void checkPeers(Manifest.Device device, List<YamlNode> peerNodes)
      throws ManifestException {
    for (YamlNode node : peerNodes) {
      String peer = Fields.text("peers", node);
      if (peer.equals(device.id())) {
        throw new ManifestException(node.place(), "device '" + peer + "' is its own peer");
      }
      if (!idPlaces.containsKey(peer)) {
        throw new ManifestException(
            node.place(),
            "there is no device '%s'; %s".formatted(peer, Spelling.hint(peer, idPlaces.keySet())));
      }
    }
  }
}
