package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * The state of vCPUs and platform: which page was written how often. Under the lock of the machine.
 */
final class SimPlatform {

  private static final long MAGIC = 0x4d52_4f46_5441_4c50L;
  private static final int VERSION = 2;
  private static final int MAX_VCPUS = 64;
  private static final int MAX_PEERINGS = 4096;
  private static final int MAX_ID_BYTES = 256;

  /** As {@link io.vferry.spi.vm.VirtualMachine#savePlatform} promises. */
  private static final int MAX_BYTES = 64 << 20;

  /** A platform as it travels, with what belongs to each device that the guest has a driver for. */
  record Saved(SimPlatform platform, List<SimGuestRoom.Saved> rooms) {}

  final long seed;
  final int workingPages;
  final List<SimVmSettings.Peering> peers;
  final int[] versions;
  private final long[] vcpuRandom;
  private int nextVcpu;
  long writes;
  int openRequests;
  boolean booted;

  private SimPlatform(
      long seed,
      int workingPages,
      List<SimVmSettings.Peering> peers,
      int[] versions,
      long[] vcpuRandom) {
    this.seed = seed;
    this.workingPages = workingPages;
    this.peers = List.copyOf(peers);
    this.versions = versions;
    this.vcpuRandom = vcpuRandom;
  }

  static SimPlatform fresh(
      long seed, int pages, int workingPages, int vcpus, List<SimVmSettings.Peering> peers) {
    long[] random = new long[vcpus];
    for (int vcpu = 0; vcpu < vcpus; vcpu++) {
      random[vcpu] = SimPattern.mix(seed + vcpu);
    }
    return new SimPlatform(seed, workingPages, peers, new int[pages], random);
  }

  /** Returns with what the vCPUs sign their pages. */
  long writer() {
    return SimPattern.mix(~seed);
  }

  /** Spreads the working set over all of memory. */
  int workingPage(int index) {
    return (int) ((long) index * versions.length / workingPages);
  }

  /** Returns the page that the next vCPU writes. */
  int nextPage() {
    int vcpu = nextVcpu;
    nextVcpu = (nextVcpu + 1) % vcpuRandom.length;
    vcpuRandom[vcpu] += 0x9e3779b97f4a7c15L;
    return workingPage(
        (int) Long.remainderUnsigned(SimPattern.mix(vcpuRandom[vcpu]), workingPages));
  }

  ByteBuffer encode(List<SimGuestRoom.Saved> rooms) throws MigrationException {
    SimWriter out = new SimWriter().u64(MAGIC).u32(VERSION).u32(versions.length).u64(seed);
    out.u32(workingPages).u64(writes).u32(openRequests);
    out.u32(booted ? 1 : 0).longs(vcpuRandom).u32(nextVcpu).ints(versions).u32(peers.size());
    for (SimVmSettings.Peering peering : peers) {
      out.text(peering.from()).text(peering.to());
    }
    out.u32(rooms.size());
    for (SimGuestRoom.Saved room : rooms) {
      room.encode(out);
    }
    if (out.size() > MAX_BYTES - Integer.BYTES) {
      throw new MigrationException(
          DeviceError.OUT_OF_RESOURCES,
          "the platform state with what its drivers know has %d bytes; it may have %d"
              .formatted(out.size(), MAX_BYTES));
    }
    CRC32C crc = new CRC32C();
    crc.update(out.finish());
    return out.u32((int) crc.getValue()).finish();
  }

  /** Reads an untrusted platform state. */
  static Saved decode(ByteBuffer state, SimGuestMemory memory) throws MigrationException {
    SimReader in = new SimReader("the platform state", state);
    if (in.remaining() < Long.BYTES + Integer.BYTES || in.u64("magic") != MAGIC) {
      throw in.corrupt("it is none of a simulated virtual machine");
    }
    int version = in.u32("version");
    if (version != VERSION) {
      throw new MigrationException(
          DeviceError.DATA_INCOMPATIBLE,
          "the platform state has version " + version + ", this machine reads " + VERSION);
    }
    CRC32C crc = new CRC32C();
    int length = state.remaining() - Integer.BYTES;
    crc.update(state.slice(state.position(), length));
    int expected =
        new SimReader("the platform state", state.slice(state.position() + length, Integer.BYTES))
            .u32("checksum");
    if ((int) crc.getValue() != expected) {
      throw in.corrupt("it is damaged");
    }
    int pages = in.u32("memory pages");
    if (pages != memory.pages()) {
      throw new MigrationException(
          DeviceError.DATA_INCOMPATIBLE,
          "the platform state is of a machine with %d pages of memory, this one has %d"
              .formatted(pages, memory.pages()));
    }
    return decodeBody(in, memory);
  }

  private static Saved decodeBody(SimReader in, SimGuestMemory memory) throws MigrationException {
    long seed = in.u64("seed");
    int workingPages = in.u32("working set", 0, memory.pages());
    long writes = in.u64("writes", 0, Long.MAX_VALUE);
    int openRequests = in.u32("page requests", 0, Integer.MAX_VALUE);
    boolean booted = in.flag("booted");
    long[] vcpuRandom = in.longs("vCPUs", MAX_VCPUS);
    if (vcpuRandom.length == 0) {
      throw in.corrupt("it has no vCPU");
    }
    int nextVcpu = in.u32("next vCPU", 0, vcpuRandom.length - 1);
    int[] versions = in.ints("page versions", memory.pages());
    if (versions.length != memory.pages()) {
      throw in.corrupt("it has " + versions.length + " page versions");
    }
    int peerings = in.u32("peers", 0, MAX_PEERINGS);
    List<SimVmSettings.Peering> peers = new ArrayList<>();
    for (int peering = 0; peering < peerings; peering++) {
      peers.add(
          new SimVmSettings.Peering(in.text("peer", MAX_ID_BYTES), in.text("peer", MAX_ID_BYTES)));
    }
    List<SimGuestRoom.Saved> rooms = new ArrayList<>();
    int count = in.u32("devices", 0, SimGuest.MAX_DEVICES);
    for (int room = 0; room < count; room++) {
      rooms.add(SimGuestRoom.Saved.decode(in, memory, booted));
    }
    in.u32("checksum");
    in.end();
    SimPlatform platform = new SimPlatform(seed, workingPages, peers, versions, vcpuRandom);
    platform.writes = writes;
    platform.openRequests = openRequests;
    platform.booted = booted;
    platform.nextVcpu = nextVcpu;
    return new Saved(platform, rooms);
  }
}
