package io.vferry.vendor.mlx5.queue;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.vendor.mlx5.command.AllocUar;
import io.vferry.vendor.mlx5.command.CreateEq;
import io.vferry.vendor.mlx5.command.DeallocUar;
import io.vferry.vendor.mlx5.command.DestroyEq;
import io.vferry.vendor.mlx5.command.DisableHca;
import io.vferry.vendor.mlx5.command.EnableHca;
import io.vferry.vendor.mlx5.command.GeneralCapabilities;
import io.vferry.vendor.mlx5.command.GivePages;
import io.vferry.vendor.mlx5.command.InitHca;
import io.vferry.vendor.mlx5.command.QueryHcaCap;
import io.vferry.vendor.mlx5.command.QueryIssi;
import io.vferry.vendor.mlx5.command.QueryPages;
import io.vferry.vendor.mlx5.command.SetHcaCap;
import io.vferry.vendor.mlx5.command.SetHostEndianness;
import io.vferry.vendor.mlx5.command.SetIssi;
import io.vferry.vendor.mlx5.command.TakePages;
import io.vferry.vendor.mlx5.command.TeardownHca;
import io.vferry.vendor.mlx5.prm.CapabilityType;
import io.vferry.vendor.mlx5.prm.EventType;
import io.vferry.vendor.mlx5.prm.InitSegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A physical function from its start to its reset or teardown. The order of the start is that of
 * rdma-core, {@code providers/mlx5/mlx5_vfio.c}; the waits are those of Linux 6.12, {@code
 * drivers/net/ethernet/mellanox/mlx5/core/main.c}.
 */
public final class FunctionSession {

  private static final long BEFORE_ADDRESS_NANOS = 120_000_000_000L;
  private static final long AFTER_ADDRESS_NANOS = 2_000_000_000L;
  private static final long INITIALISING_PAUSE_NANOS = 2_000_000L;
  private static final int PCI_COMMAND = 4;
  private static final int MEMORY_AND_BUS_MASTER = 0x6;
  private static final int ITSELF = 0;
  private static final int ISSI = 1;
  private static final int EQ_VECTOR = 0;
  private static final long EVENTS =
      1L << EventType.COMMAND
          | 1L << EventType.PAGE_REQUEST
          | 1L << EventType.COMPLETION
          | 1L << EventType.CQ_ERROR
          | 1L << EventType.WQ_CATASTROPHIC
          | 1L << EventType.WQ_INVALID_REQUEST
          | 1L << EventType.WQ_ACCESS
          | 1L << EventType.OBJECT_CHANGE;

  private final HostDevice function;
  private final FunctionRegisters registers;
  private final DmaArena arena;
  private final FirmwarePages pages;
  private final FunctionHealth health;
  private final CommandQueue queue;
  private final HealthPoll healthPoll;
  private GeneralCapabilities general = new GeneralCapabilities(ByteBuffer.allocate(4096));
  private String firmware = "";
  private int uar;
  private @Nullable EventQueue events;
  private @Nullable DmaMemory eventMemory;
  private boolean interrupting;

  private FunctionSession(
      HostDevice function,
      FunctionRegisters registers,
      DmaArena arena,
      FirmwarePages pages,
      FunctionHealth health,
      CommandQueue queue) {
    this.function = function;
    this.registers = registers;
    this.arena = arena;
    this.pages = pages;
    this.health = health;
    this.queue = queue;
    this.healthPoll = new HealthPoll(queue);
  }

  /**
   * Starts a function that was just opened or reset.
   *
   * @param arena all memory that the function can reach, in this session and others
   * @throws CommandException if it does not start; nothing of it stays mapped
   * @throws MigrationException if the host refuses something
   */
  static FunctionSession start(HostDevice function, DmaArena arena)
      throws CommandException, MigrationException {
    letItReachMemory(function);
    FunctionRegisters registers = new FunctionRegisters(function.region(0));
    HostClock clock = function.clock();
    int revision = registers.read(InitSegment.CMDIF_REV_FW_SUB) >>> 16;
    if (revision != InitSegment.CMDIF_REV) {
      throw CommandException.lost(
          "the physical function speaks revision %d of the command interface, not %d"
              .formatted(revision, InitSegment.CMDIF_REV));
    }
    awaitReady(registers, clock, BEFORE_ADDRESS_NANOS);
    QueueGeometry geometry = QueueGeometry.read(registers.read(InitSegment.CMDQ_ADDR_LOW_SIZE));
    FirmwarePages pages = new FirmwarePages(arena);
    FunctionHealth health = new FunctionHealth(registers, clock, function);
    CommandQueue queue =
        new CommandQueue(registers, clock, health, arena, new PageTraffic(pages), geometry);
    FunctionSession session = new FunctionSession(function, registers, arena, pages, health, queue);
    try {
      registers.write(InitSegment.CMDQ_ADDR_HIGH, (int) (queue.address() >>> 32));
      registers.write(InitSegment.CMDQ_ADDR_LOW_SIZE, (int) queue.address());
      awaitReady(registers, clock, AFTER_ADDRESS_NANOS);
      queue.timeoutNanos(CommandTimeout.read(registers));
      int low = registers.read(InitSegment.FW_REV);
      session.firmware =
          "%d.%d.%d"
              .formatted(
                  low & 0xffff, low >>> 16, registers.read(InitSegment.CMDIF_REV_FW_SUB) & 0xffff);
      session.initialise();
      session.healthPoll.begin();
      return session;
    } catch (CommandException | MigrationException | RuntimeException e) {
      session.abandon();
      throw e;
    }
  }

  private static void letItReachMemory(HostDevice function) throws MigrationException {
    for (RegionInfo info : function.regions()) {
      if (info.index() == RegionInfo.PCI_CONFIG) {
        Region config = function.region(RegionInfo.PCI_CONFIG);
        ByteBuffer command = ByteBuffer.allocate(Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        config.read(PCI_COMMAND, command);
        command.putShort(0, (short) (command.getShort(0) | MEMORY_AND_BUS_MASTER));
        config.write(PCI_COMMAND, command.rewind());
      }
    }
  }

  private static void awaitReady(FunctionRegisters registers, HostClock clock, long limitNanos)
      throws CommandException {
    long begin = clock.nanoTime();
    boolean interrupted = false;
    try {
      while (registers.read(InitSegment.INITIALIZING) < 0) {
        if (registers.read(InitSegment.HEALTH_FW_VER) == -1) {
          throw CommandException.lost("the physical function is off the bus");
        }
        if (clock.nanoTime() - begin >= limitNanos) {
          throw CommandException.lost(
              "the physical function is still initialising after %d ms"
                  .formatted(limitNanos / 1_000_000));
        }
        try {
          clock.sleep(INITIALISING_PAUSE_NANOS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void initialise() throws CommandException, MigrationException {
    queue.execute(new EnableHca(ITSELF));
    QueryIssi.Formats formats = queue.execute(new QueryIssi());
    if ((formats.supported() >>> ISSI & 1) == 0) {
      throw CommandException.lost("the firmware does not know command format 1");
    }
    queue.execute(new SetIssi(ISSI));
    givePages(QueryPages.Phase.BOOT);
    queue.execute(new SetHostEndianness(ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN));
    setCapabilities();
    givePages(QueryPages.Phase.INIT);
    queue.execute(new InitHca());
    uar = queue.execute(new AllocUar());
    createEvents();
  }

  private void givePages(QueryPages.Phase phase) throws CommandException {
    int count = queue.execute(new QueryPages(ITSELF, phase));
    if (count <= 0) {
      return;
    }
    List<Long> taken = pages.take(count);
    queue.execute(new GivePages(ITSELF, taken));
    pages.lend(ITSELF, taken);
  }

  private void setCapabilities() throws CommandException {
    GeneralCapabilities maximum =
        new GeneralCapabilities(
            queue.execute(new QueryHcaCap(CapabilityType.GENERAL, true, ITSELF)));
    ByteBuffer block = queue.execute(new QueryHcaCap(CapabilityType.GENERAL, false, ITSELF));
    general =
        new GeneralCapabilities(block)
            .checksums(false)
            .logUarPageSize(0)
            .mkeyByName(maximum.mkeyByName());
    queue.execute(new SetHcaCap(CapabilityType.GENERAL, block));
  }

  private void createEvents() throws CommandException, MigrationException {
    int bytes = CreateEq.ENTRY_BYTES << EventQueue.LOG_SIZE;
    DmaMemory memory = arena.allocate(bytes);
    eventMemory = memory;
    EventQueue created = new EventQueue(registers, memory, uar);
    Interrupts interrupts = function.interrupts();
    interrupting =
        interrupts.info().stream()
            .anyMatch(info -> info.index() == Interrupts.MSIX && info.count() > EQ_VECTOR);
    if (interrupting) {
      interrupts.enable(Interrupts.MSIX, EQ_VECTOR + 1, vector -> queue.progress());
    }
    int number =
        queue.execute(new CreateEq(EventQueue.LOG_SIZE, uar, EQ_VECTOR, EVENTS, memory.address()));
    created.created(number);
    events = created;
    queue.events(created);
  }

  /** Whether the host knows that the function was reset since the session began. */
  boolean wasReset() {
    return health.wasReset();
  }

  /** Returns the queue for commands. */
  public CommandQueue queue() {
    return queue;
  }

  /** Returns where memory for the device comes from. */
  public DmaArena arena() {
    return arena;
  }

  /** Returns the general capabilities of the physical function. */
  public GeneralCapabilities general() {
    return general;
  }

  /** Returns the firmware's version. */
  public String firmware() {
    return firmware;
  }

  /** Returns the page of doorbells in BAR 0. */
  public int uar() {
    return uar;
  }

  /** Returns the number of the event queue. */
  public int eqn() {
    EventQueue known = events;
    return known == null ? 0 : known.number();
  }

  /** Writes a big-endian dword into BAR 0. */
  public void doorbell(long offset, int value) throws CommandException {
    registers.write(offset, value);
  }

  /** Turns a virtual function on. */
  public void enable(int functionId) throws CommandException {
    queue.execute(new EnableHca(functionId));
  }

  /** Takes all pages of a virtual function back and turns it off. */
  public void disable(int functionId) throws CommandException {
    takePages(functionId);
    queue.execute(new DisableHca(functionId));
  }

  private void takePages(int functionId) throws CommandException {
    int left = pages.lentTo(functionId);
    while (left > 0) {
      pages.returned(functionId, queue.execute(new TakePages(functionId, left)));
      int now = pages.lentTo(functionId);
      if (now == left) {
        // The firmware needs the rest until the function is off.
        return;
      }
      left = now;
    }
  }

  /** Ends the session in good order, as far as the function still answers. */
  void close() throws MigrationException {
    CommandException failure = null;
    try {
      EventQueue known = events;
      if (known != null) {
        queue.events(null);
        queue.execute(new DestroyEq(known.number()));
      }
      queue.execute(new DeallocUar(uar));
      queue.execute(new TeardownHca());
      takePages(ITSELF);
      queue.execute(new DisableHca(ITSELF));
    } catch (CommandException e) {
      // A function that is gone needs no teardown.
      failure = e.fate() == CommandException.Fate.LOST ? null : e;
    }
    abandon();
    if (failure != null) {
      throw failure.toMigration(
          "physical function " + function.info().address(), DeviceError.IO_FAILED);
    }
  }

  /** Unmaps everything without a word to the function, which was reset or is gone. */
  void abandon() {
    healthPoll.end();
    if (interrupting) {
      interrupting = false;
      try {
        function.interrupts().disable(Interrupts.MSIX);
      } catch (MigrationException e) {
        // The function is gone; its interrupts will not come.
        queue.fail(CommandException.lost("its interrupts cannot be turned off"));
      }
    }
    queue.close();
    DmaMemory memory = eventMemory;
    if (memory != null) {
      eventMemory = null;
      arena.release(memory);
    }
    pages.close();
  }
}
