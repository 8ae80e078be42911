package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import io.vferry.vendor.mlx5.prm.CommandStatus;
import io.vferry.vendor.mlx5.prm.DeliveryStatus;
import io.vferry.vendor.mlx5.prm.EventType;
import io.vferry.vendor.mlx5.prm.Opcode;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The card: its physical function, its virtual ones, and the firmware that serves them. Its {@link
 * Mlx5Turn} guards all of it; it never calls the host, another card or the clock's sleep while it
 * holds that.
 */
final class Mlx5Card implements Mlx5Bench, Mlx5ConfigRegion.Owner {

  private static final long AGAIN_NANOS = 10_000;
  private static final int MAX_RECORD = 10_000;
  private static final int HEALTH_EQ_OVERRUN = 0x0c;

  private final String name;
  private final Mlx5CardSettings settings;
  private final HostClock clock;
  private final Mlx5Turn turn = new Mlx5Turn();
  private final Mlx5Iommu iommu = new Mlx5Iommu(turn);
  private final Mlx5Interrupts interrupts;
  private final Mlx5ConfigRegion config;
  private final Mlx5CommandQueue queue;
  private final Mlx5Resources resources;
  private final Mlx5Pages pages;
  private final Mlx5Firmware firmware;
  private final Mlx5FaultPlan faults;
  private final Map<Integer, Mlx5VirtualFunction> functions = new TreeMap<>();
  private final Deque<Runnable> outgoing = new ArrayDeque<>();
  private final Deque<Entry> record = new ArrayDeque<>();
  private final Map<Integer, Integer> offered = new TreeMap<>();
  private final long[] engineFreeNanos;
  private final List<String> violations = new ArrayList<>();
  private Mlx5Capabilities capabilities;
  private boolean sending;
  private boolean removed;
  private boolean healthStuck;
  private long stuckCounter;
  private int healthSyndrome;
  private long readyNanos;
  private long resets;
  private final AtomicLong resetsCompleted = new AtomicLong();
  private boolean pagesRefused;

  /** How many SAVE and LOAD move bytes right now. */
  private int transfers;

  Mlx5Card(String name, Mlx5CardSettings settings, HostClock clock) {
    this.name = name;
    this.settings = settings;
    this.clock = clock;
    this.interrupts = new Mlx5Interrupts(settings.vectors, () -> {});
    this.config =
        new Mlx5ConfigRegion(
            Mlx5ConfigRegion.PHYSICAL_DEVICE,
            settings.vectors,
            Map.of(Mlx5CardBar.INDEX, Mlx5CardBar.BYTES),
            this,
            false);
    this.queue =
        new Mlx5CommandQueue(iommu, settings.logSlots, settings.logStride, settings.assumptions);
    this.resources = new Mlx5Resources(settings.assumptions, Math.max(1, settings.vectors));
    this.pages = new Mlx5Pages(iommu);
    this.capabilities = Mlx5Capabilities.ofPhysicalFunction(settings);
    this.firmware = new Mlx5Firmware(this, settings);
    this.faults = Mlx5FaultPlan.parse(settings.faults);
    this.engineFreeNanos = new long[settings.engines];
    this.readyNanos = clock.nanoTime() + settings.initNanos;
  }

  String name() {
    return name;
  }

  HostClock clock() {
    return clock;
  }

  Mlx5CardSettings settings() {
    return settings;
  }

  Mlx5Turn turn() {
    return turn;
  }

  Mlx5Iommu iommu() {
    return iommu;
  }

  Mlx5Interrupts interrupts() {
    return interrupts;
  }

  Mlx5ConfigRegion config() {
    return config;
  }

  Mlx5CommandQueue queue() {
    return queue;
  }

  Mlx5Resources resources() {
    return resources;
  }

  Mlx5Pages pages() {
    return pages;
  }

  Mlx5Capabilities capabilities() {
    return capabilities;
  }

  Collection<Mlx5VirtualFunction> functions() {
    return functions.values();
  }

  @Nullable Mlx5VirtualFunction function(int index) {
    return functions.get(index);
  }

  @Nullable Mlx5VirtualFunction functionOf(int vhca) {
    return functions.get(vhca - settings.firstVhca);
  }

  boolean alive() {
    return !removed;
  }

  boolean initialising() {
    return clock.nanoTime() - readyNanos < 0;
  }

  int healthSyndrome() {
    return healthSyndrome;
  }

  /** Returns the health counter, which moves ten times in a second. */
  int healthCounter() {
    return (int) (healthStuck ? stuckCounter : clock.nanoTime() / 100_000_000) & 0xff_ffff;
  }

  /** Adds a function that a host opened. */
  Mlx5VirtualFunction add(Mlx5FunctionSettings function, String deviceId)
      throws MigrationException {
    Optional<Mlx5VirtualFunction> added =
        turn.look(
            () -> {
              if (functions.containsKey(function.index) || function.index >= settings.functions) {
                return Optional.empty();
              }
              Mlx5VirtualFunction one = new Mlx5VirtualFunction(this, settings, function, clock);
              functions.put(function.index, one);
              return Optional.of(one);
            });
    if (added.isPresent()) {
      return added.get();
    }
    if (function.index >= settings.functions) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "device %s: card %s has %d virtual functions, so there is none %d"
              .formatted(deviceId, name, settings.functions, function.index));
    }
    throw new MigrationException(
        DeviceError.BAD_REQUEST,
        "device %s: virtual function %d of card %s is open already"
            .formatted(deviceId, function.index, name));
  }

  void close(Mlx5VirtualFunction function) {
    turn.touch(
        () -> {
          functions.remove(function.settings.index);
          function.reset();
          function.engine.powerOn();
        });
    function.iommu.await(clock);
  }

  /**
   * Works with the card's lock, now or as soon as the card does not wait for memory any more, and
   * then does what follows from it without.
   */
  void act(Runnable action) {
    turn.work(action);
    deliver();
  }

  /**
   * Does what a register says, now, with the card's lock: nothing that takes DMA. What follows from
   * it and may wait for memory is left to the clock, if whoever has the register may have to answer
   * for that memory.
   */
  void store(Mlx5Iommu memory, Runnable action) {
    turn.touch(action);
    if (memory.asks()) {
      clock.schedule(0, this::deliver);
    } else {
      deliver();
    }
  }

  /** Does something for the host or a peer as soon as the lock is free, in order. */
  void later(Runnable action) {
    outgoing.add(action);
  }

  /** Does something with the lock once what is being done now is complete. */
  void soon(Runnable action) {
    outgoing.add(() -> act(action));
  }

  /** Does something with the lock after a time, unless the card is reset meanwhile. */
  void after(long nanos, Runnable action) {
    long born = resets;
    clock.schedule(
        nanos,
        () ->
            act(
                () -> {
                  if (born == resets && alive()) {
                    action.run();
                  }
                }));
  }

  private void deliver() {
    if (turn.held()) {
      return;
    }
    for (Runnable next = turn.look(this::nextOutgoing);
        next != null;
        next = turn.look(this::nextOutgoing)) {
      try {
        next.run();
      } finally {
        turn.touch(() -> sending = false);
      }
    }
  }

  /** Returns what goes out next, if anything: one at a time, so that the order is kept. */
  private @Nullable Runnable nextOutgoing() {
    Runnable next = sending ? null : outgoing.poll();
    sending |= next != null;
    return next;
  }

  /** The host rang the doorbell of the command queue. */
  void doorbell(int slots) {
    store(iommu, () -> soon(() -> fetch(slots)));
  }

  private void fetch(int slots) {
    if (alive() && !initialising() && config.busMaster()) {
      long born = resets;
      for (Mlx5Command command : queue.fetch(slots)) {
        soon(
            () -> {
              begin(command);
              proceed(command, born);
            });
      }
    }
  }

  private long resets() {
    return turn.look(() -> resets);
  }

  private void begin(Mlx5Command command) {
    String opcode =
        command.opcode().map(Opcode::name).orElse("0x" + Integer.toHexString(command.code()));
    Entry entry = new Entry(opcode, command.opMod(), detail(command));
    record.add(entry);
    if (record.size() > MAX_RECORD) {
      record.remove();
    }
    command.entry = entry;
    int vhca = command.in.lengthBytes() >= 12 ? command.in.field(8, 15, 0) : 0;
    command.faults.addAll(faults.at(opcode, vhca));
    command
        .fault(Mlx5Fault.Kind.DELIVERY)
        .flatMap(fault -> DeliveryStatus.of((int) fault.value()))
        .ifPresent(delivery -> command.delivery = delivery);
  }

  private static String detail(Mlx5Command command) {
    if (command.opcode().filter(Mlx5Firmware::movesFunction).isEmpty()
        || !Mlx5CommandLength.of(command.opcode().get()).takesInput(command.in.lengthBytes())) {
      return "";
    }
    Mlx5Message in = command.in;
    String vhca = "vhca=" + in.field(8, 15, 0);
    return switch (command.opcode().get()) {
      case QUERY_VHCA_MIGRATION_STATE ->
          "%s inc=%d chunk=%d".formatted(vhca, in.field(8, 31, 31), in.field(8, 30, 30));
      case SAVE_VHCA_STATE ->
          "%s inc=%d track=%d size=0x%x"
              .formatted(vhca, in.field(8, 31, 31), in.field(8, 30, 30), in.dword(0x1c));
      case LOAD_VHCA_STATE -> "%s size=0x%x".formatted(vhca, in.dword(0x1c));
      default -> vhca;
    };
  }

  private void proceed(Mlx5Command command, long born) {
    if (born != resets || removed) {
      return;
    }
    Mlx5Step step = attempt(command);
    if (step instanceof Mlx5Step.Done done) {
      finish(command, done, born);
    } else if (step instanceof Mlx5Step.Bulk bulk) {
      transfers++;
      // Whoever rang the doorbell goes on meanwhile, and so does all else that is due.
      clock.schedule(0, () -> transfer(command, bulk.transfer(), born));
    } else {
      clock.schedule(AGAIN_NANOS, () -> act(() -> proceed(command, born)));
    }
  }

  private Mlx5Step attempt(Mlx5Command command) {
    if (command.delivery != DeliveryStatus.DELIVERED) {
      return Mlx5Step.done();
    }
    try {
      Optional<Mlx5Fault> status = command.fault(Mlx5Fault.Kind.STATUS);
      if (status.isPresent()) {
        throw injected(command, status.get());
      }
      Optional<Opcode> moves = command.opcode().filter(Mlx5Firmware::movesFunction);
      if (moves.isPresent() && command.function == null && !claim(command, moves.get())) {
        return new Mlx5Step.Again();
      }
      return firmware.execute(command);
    } catch (Mlx5Refusal refusal) {
      return refused(command, refusal);
    }
  }

  private static Mlx5Refusal injected(Mlx5Command command, Mlx5Fault status) {
    int syndrome =
        command.fault(Mlx5Fault.Kind.SYNDROME).map(fault -> (int) fault.value()).orElse(0xbad);
    return new Mlx5Refusal((int) status.value(), syndrome, "the fault plan says so");
  }

  /** Makes the function busy with a command; returns false if the command has to wait for that. */
  private boolean claim(Mlx5Command command, Opcode opcode) throws Mlx5Refusal {
    Mlx5VirtualFunction function = firmware.function(opcode, command.in);
    boolean looksOnly = opcode == Opcode.QUERY_VHCA_MIGRATION_STATE && !command.in.bit(8, 31);
    if (looksOnly) {
      // The kernel's driver asks for the size at any time, also while it saves.
      return true;
    }
    if (function.busy) {
      if (settings.assumptions.is(Mlx5Assumption.VHCA_BUSY, "wait")) {
        return false;
      }
      throw new Mlx5Refusal(CommandStatus.RES_BUSY, "the function executes another command");
    }
    function.busy = true;
    command.function = function;
    command.functionResets = function.resets;
    return true;
  }

  private Mlx5Step.Done refused(Mlx5Command command, Mlx5Refusal refusal) {
    Entry entry = command.entry;
    if (entry != null) {
      String status =
          CommandStatus.of(refusal.status())
              .map(CommandStatus::name)
              .orElse("0x" + Integer.toHexString(refusal.status()));
      entry.outcome(status + ": " + refusal.reason());
    }
    return Mlx5Step.done(
        Mlx5Message.ofLength(16).field(0, 31, 24, refusal.status()).dword(4, refusal.syndrome()));
  }

  private void transfer(Mlx5Command command, Mlx5Step.Transfer transfer, long born) {
    if (resets() != born) {
      return;
    }
    try {
      if (transfer.move()) {
        clock.schedule(0, () -> transfer(command, transfer, born));
        return;
      }
    } catch (Mlx5Refusal refusal) {
      act(() -> moved(command, refused(command, refusal), born));
      return;
    }
    act(() -> moved(command, settle(command, transfer), born));
  }

  private void moved(Mlx5Command command, Mlx5Step.Done done, long born) {
    if (born == resets) {
      transfers--;
    }
    finish(command, done, born);
  }

  private Mlx5Step.Done settle(Mlx5Command command, Mlx5Step.Transfer transfer) {
    try {
      Mlx5VirtualFunction function = command.function;
      if (function != null && function.resets != command.functionResets) {
        throw settings.assumptions.refusal(
            Mlx5Assumption.RESET_MEANWHILE, "the function was reset");
      }
      return transfer.settle();
    } catch (Mlx5Refusal refusal) {
      return refused(command, refusal);
    }
  }

  /** A command is executed; it completes when its time has come. */
  private void finish(Mlx5Command command, Mlx5Step.Done executed, long born) {
    if (born != resets || removed) {
      return;
    }
    Mlx5Step.Done done = executed;
    Optional<Mlx5Fault> after = command.fault(Mlx5Fault.Kind.STATUS_AFTER);
    if (after.isPresent()) {
      done = refused(command, injected(command, after.get()));
    }
    meanwhile(command);
    if (command.has(Mlx5Fault.Kind.HANG) || removed || born != resets) {
      return;
    }
    long delay = command.fault(Mlx5Fault.Kind.DELAY).map(Mlx5Fault::value).orElse(0L);
    long moved = done.movedBytes();
    delay += command.opcode().map(opcode -> serviceNanos(opcode, moved)).orElse(0L);
    Mlx5Message out = done.out();
    if (delay == 0) {
      complete(command, out, pagesDue(command));
    } else {
      int due = pagesDue(command);
      after(delay, () -> complete(command, out, due));
    }
  }

  private int pagesDue(Mlx5Command command) {
    return command
        .fault(Mlx5Fault.Kind.GIVE_PAGES)
        .map(fault -> pages.count(0) + (int) fault.value())
        .orElse(0);
  }

  private long serviceNanos(Opcode opcode, long movedBytes) {
    long service = settings.serviceNanos(opcode, movedBytes);
    boolean moves = opcode == Opcode.SAVE_VHCA_STATE || opcode == Opcode.LOAD_VHCA_STATE;
    if (!moves || engineFreeNanos.length == 0) {
      return service;
    }
    int engine = 0;
    for (int other = 1; other < engineFreeNanos.length; other++) {
      if (engineFreeNanos[other] < engineFreeNanos[engine]) {
        engine = other;
      }
    }
    long now = clock.nanoTime();
    engineFreeNanos[engine] = Math.max(now, engineFreeNanos[engine]) + service;
    return engineFreeNanos[engine] - now;
  }

  /** Lets happen what the fault plan says for the time in which a command is under way. */
  private void meanwhile(Mlx5Command command) {
    for (Mlx5Fault fault : command.faults) {
      switch (fault.kind()) {
        case GIVE_PAGES -> askForPages(0, (int) fault.value());
        case TAKE_PAGES -> askForPages(0, (int) -fault.value());
        case HEALTH_STUCK -> {
          stuckCounter = healthCounter();
          healthStuck = true;
        }
        case HEALTH -> healthSyndrome = (int) fault.value();
        case INITIALIZING -> readyNanos = clock.nanoTime() + fault.value();
        case REMOVE_PF -> remove();
        case RESET_PF -> resetAll();
        case WITHDRAW_MIGRATION -> withdraw(command);
        case RESET_VF -> {
          Mlx5VirtualFunction function = command.function;
          if (function != null) {
            resetFunction(function);
          }
        }
        default -> {
          // These belong to the answer.
        }
      }
    }
  }

  private void withdraw(Mlx5Command command) {
    capabilities.withdrawMigration();
    if (command.function != null) {
      command.function.capabilities.withdrawMigration();
    }
  }

  private void complete(Mlx5Command command, Mlx5Message executed, int pagesDue) {
    if (pages.count(0) < pagesDue && !pagesRefused) {
      after(AGAIN_NANOS, () -> complete(command, executed, pagesDue));
      return;
    }
    Mlx5Message out = executed;
    if (pages.count(0) < pagesDue) {
      out = refused(command, new Mlx5Refusal(CommandStatus.NO_RES, "the host gave no pages")).out();
    }
    if (pagesDue > 0) {
      pagesRefused = false;
    }
    Mlx5VirtualFunction function = command.function;
    if (function != null && function.resets != command.functionResets) {
      out =
          refused(
                  command,
                  settings.assumptions.refusal(
                      Mlx5Assumption.RESET_MEANWHILE, "the function was reset"))
              .out();
    } else if (function != null) {
      function.busy = false;
      disturb(command, function);
    }
    Entry entry = command.entry;
    if (entry != null && entry.command().outcome().equals("open")) {
      entry.outcome(command.delivery == DeliveryStatus.DELIVERED ? "OK" : command.delivery.name());
    }
    queue.complete(command, out);
    if (!command.has(Mlx5Fault.Kind.LOST_EVENT)) {
      byte[] data = ByteBuffer.allocate(28).putInt(0, 1 << command.slot).array();
      post(EventType.COMMAND, data);
      if (command.has(Mlx5Fault.Kind.DUPLICATE_EVENT)) {
        post(EventType.COMMAND, data);
      }
    }
  }

  private static void disturb(Mlx5Command command, Mlx5VirtualFunction function) {
    command
        .fault(Mlx5Fault.Kind.GROW)
        .ifPresent(
            fault ->
                function.content.change(
                    (int) Math.min(1 << 24, fault.value() / Mlx5Pattern.PAGE_BYTES),
                    function.tracked));
    if (command.has(Mlx5Fault.Kind.REINIT)) {
      reinitialise(function);
    }
  }

  private static void reinitialise(Mlx5VirtualFunction function) {
    if (function.tracked) {
      function.reinitialised = true;
      function.content.allPending();
    }
  }

  /** Tells the host of an event, by each queue that wants its type. */
  void post(int type, byte[] data) {
    for (Mlx5EventQueue eventQueue : resources.eventQueues()) {
      if (eventQueue.wants(type)) {
        post(eventQueue, type, data);
      }
    }
  }

  private void post(Mlx5EventQueue eventQueue, int type, byte[] data) {
    if (eventQueue.full()) {
      healthSyndrome = HEALTH_EQ_OVERRUN;
      return;
    }
    if (!eventQueue.post(iommu, type, data)) {
      violations.add("event queue %d cannot be reached".formatted(eventQueue.number));
    }
    if (eventQueue.interrupt()) {
      interrupt(eventQueue);
    }
  }

  private void interrupt(Mlx5EventQueue eventQueue) {
    later(() -> interrupts.deliver(1L << eventQueue.vector));
  }

  /** A completion was written; whoever armed its queue is told. */
  void completed(Mlx5CompletionQueue completions) {
    if (completions.event()) {
      completionEvent(completions);
    }
  }

  private void completionEvent(Mlx5CompletionQueue completions) {
    Mlx5EventQueue eventQueue = resources.eventQueue(completions.eventQueue);
    if (eventQueue != null) {
      post(
          eventQueue,
          EventType.COMPLETION,
          ByteBuffer.allocate(28).putInt(0x18, completions.number).array());
    }
  }

  /** The host says how far it has read an event queue. */
  void eventsRead(int uar, int value, boolean arm) {
    Mlx5EventQueue eventQueue = resources.eventQueue(value >>> 24);
    if (eventQueue != null
        && eventQueue.uar == uar
        && eventQueue.consumed(value & 0xff_ffff, arm)) {
      interrupt(eventQueue);
    }
  }

  /** The host arms a completion queue. */
  void armCompletions(int command, int number) {
    Mlx5CompletionQueue completions = resources.completionQueue(number & 0xff_ffff);
    if (completions != null && completions.arm(command & 0xff_ffff)) {
      completionEvent(completions);
    }
  }

  void capabilitiesSet() {
    queue.checksums(capabilities.checksums());
  }

  void tornDown() {
    int left = objects();
    if (left > 0) {
      violations.add(left + " objects were left when the card was torn down");
    }
    resources.reset();
    for (Mlx5VirtualFunction function : functions.values()) {
      function.tracker = null;
    }
  }

  void pagesRefused() {
    pagesRefused = true;
  }

  int pagesOffered(int function) {
    return offered.getOrDefault(function, 0);
  }

  void pagesTaken(int function, int count) {
    offered.merge(function, -count, Integer::sum);
    if (offered.getOrDefault(function, 0) <= 0) {
      offered.remove(function);
    }
  }

  private void askForPages(int function, int count) {
    if (count < 0) {
      offered.merge(function, -count, Integer::sum);
    }
    post(
        EventType.PAGE_REQUEST,
        ByteBuffer.allocate(28).putShort(2, (short) function).putInt(4, count).array());
  }

  private void resetAll() {
    resets++;
    transfers = 0;
    iommu.overtake();
    removed = false;
    healthStuck = false;
    healthSyndrome = 0;
    readyNanos = clock.nanoTime() + settings.initNanos;
    queue.reset();
    resources.reset();
    pages.reset();
    offered.clear();
    firmware.reset();
    capabilities = Mlx5Capabilities.ofPhysicalFunction(settings);
    Arrays.fill(engineFreeNanos, 0);
    functions.values().forEach(Mlx5Card::resetFunction);
    resetsCompleted.incrementAndGet();
  }

  /** Returns how often the card was reset; any thread. */
  long resetsCompleted() {
    return resetsCompleted.get();
  }

  private static void resetFunction(Mlx5VirtualFunction function) {
    function.reset();
    function.busy = false;
  }

  private void remove() {
    removed = true;
    resets++;
    transfers = 0;
    functions.values().forEach(function -> function.engine.update());
  }

  /** Function-level reset of the physical function, which takes the virtual ones with it. */
  void resetCard() throws MigrationException {
    resetUnlessRemoved(this::resetAll);
    awaitAccesses();
  }

  private void awaitAccesses() {
    iommu.await(clock);
    for (Mlx5VirtualFunction function : turn.look(() -> List.copyOf(functions.values()))) {
      function.iommu.await(clock);
    }
  }

  @Override
  public void configChanged() {
    // Whether it may reach memory is looked up when it wants to.
  }

  /**
   * Function-level reset of the physical function, ordered by its config space. It clears VF Enable
   * too, so its virtual functions cease to be (SR-IOV Specification 1.1, 2.2.3). Linux enables them
   * again at once, and that is where they are here: there, and as after power on.
   */
  @Override
  public void resetInitiated() {
    store(
        iommu,
        () -> {
          if (alive()) {
            config.reset();
            functions.values().forEach(function -> function.config.reset());
            resetAll();
          }
        });
    awaitAccesses();
  }

  @Override
  public boolean transactionsPending() {
    return iommu.waits() || turn.look(() -> transfers > 0);
  }

  @Override
  public Optional<ByteBuffer> extended() {
    return Optional.empty();
  }

  /** Function-level reset of a virtual function, ordered by its config space. */
  void resetByConfig(Mlx5VirtualFunction function) {
    store(
        function.iommu,
        () -> {
          if (alive()) {
            function.config.reset();
            resetFunction(function);
          }
        });
    function.iommu.await(clock);
  }

  /** Function-level reset of a virtual function. */
  void reset(Mlx5VirtualFunction function) throws MigrationException {
    resetUnlessRemoved(() -> resetFunction(function));
    function.iommu.await(clock);
  }

  private void resetUnlessRemoved(Runnable reset) throws MigrationException {
    boolean there =
        turn.look(
            () -> {
              if (!removed) {
                reset.run();
              }
              return !removed;
            });
    if (!there) {
      throw new MigrationException(DeviceError.RESET_FAILED, "card " + name + " is not on the bus");
    }
  }

  @Override
  public List<Command> commands() {
    return turn.look(() -> record.stream().map(Entry::command).toList());
  }

  @Override
  public void forgetCommands() {
    turn.touch(record::clear);
  }

  @Override
  public void inject(String script) {
    turn.touch(() -> faults.add(script));
  }

  @Override
  public void clearFaults() {
    turn.touch(faults::clear);
  }

  @Override
  public void removeCard() {
    act(this::remove);
  }

  @Override
  public void restoreCard() {
    act(this::resetAll);
  }

  private Mlx5VirtualFunction opened(int vf) {
    Mlx5VirtualFunction function = functions.get(vf);
    if (function == null) {
      throw new IllegalArgumentException("virtual function " + vf + " is not open");
    }
    function.run();
    return function;
  }

  @Override
  public void change(int vf, int count) {
    turn.touch(
        () -> {
          Mlx5VirtualFunction function = opened(vf);
          function.content.change(count, function.tracked);
        });
  }

  @Override
  public void reconfigure(int vf) {
    turn.touch(() -> reinitialise(opened(vf)));
  }

  @Override
  public boolean write(int vf, long address, byte[] content) {
    return turn.look(
        () -> {
          Mlx5VirtualFunction function = opened(vf);
          return !function.initiatorSuspended && function.write(address, ByteBuffer.wrap(content));
        });
  }

  @Override
  public long fingerprint(int vf) {
    return turn.look(
        () -> {
          Mlx5Content content = opened(vf).content;
          return content.computedFingerprint() ^ content.writer();
        });
  }

  @Override
  public String condition(int vf) {
    return turn.look(() -> condition(opened(vf)));
  }

  private static String condition(Mlx5VirtualFunction function) {
    if (function.responderSuspended) {
      return function.initiatorSuspended ? "suspended" : "responder-suspended";
    }
    return function.initiatorSuspended ? "initiator-suspended" : "running";
  }

  @Override
  public boolean tracked(int vf) {
    return turn.look(() -> opened(vf).tracked);
  }

  @Override
  public int objects() {
    return turn.look(
        () -> {
          int trackers = 0;
          for (Mlx5VirtualFunction function : functions.values()) {
            trackers += function.tracker == null ? 0 : 1;
          }
          return resources.count() + trackers;
        });
  }

  @Override
  public int pagesGiven() {
    return turn.look(pages::count);
  }

  @Override
  public List<String> violations() {
    return turn.look(this::violated);
  }

  private List<String> violated() {
    List<String> all = new ArrayList<>(violations);
    if (pages.spoilt() > 0) {
      all.add(pages.spoilt() + " pages of the firmware were written by the host");
    }
    if (queue.ignored() > 0) {
      all.add(queue.ignored() + " doorbells rang for entries that were not the firmware's");
    }
    if (iommu.misses() > 0) {
      all.add(iommu.misses() + " accesses of the card reached no memory");
    }
    return all;
  }

  @Override
  public void requestPages(int function, int count) {
    act(() -> askForPages(function, count));
  }

  /** The last of the card's functions was closed. */
  void powerOff() {
    act(this::remove);
  }
}
