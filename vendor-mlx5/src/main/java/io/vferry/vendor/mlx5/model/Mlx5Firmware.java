package io.vferry.vendor.mlx5.model;

import io.vferry.vendor.mlx5.prm.CapabilityType;
import io.vferry.vendor.mlx5.prm.CommandStatus;
import io.vferry.vendor.mlx5.prm.OpMod;
import io.vferry.vendor.mlx5.prm.Opcode;

/** Executes commands. The card's lock guards it. */
final class Mlx5Firmware {

  private static final int QUERY_PAGES_REGULAR = 3;
  private static final int HOST_ENDIANNESS = 0x7004;
  private static final int MAX_PAGES_AT_ONCE = 1 << 16;

  private final Mlx5Card card;
  private final Mlx5CardSettings settings;
  private final Mlx5Assumptions assumptions;
  private final Mlx5Migration migration;
  private final Mlx5TrackerCommands trackers;
  private final byte[] endianness = new byte[16];
  private boolean enabled;
  private boolean initialised;
  private int issi;

  Mlx5Firmware(Mlx5Card card, Mlx5CardSettings settings) {
    this.card = card;
    this.settings = settings;
    this.assumptions = settings.assumptions;
    this.migration = new Mlx5Migration(card, settings);
    this.trackers = new Mlx5TrackerCommands(card, settings);
  }

  void reset() {
    enabled = false;
    initialised = false;
    issi = 0;
  }

  /** Returns the function whose state a command handles, if it is one of the five. */
  Mlx5VirtualFunction function(Opcode opcode, Mlx5Message in) throws Mlx5Refusal {
    check(opcode, in);
    return migration.function(in);
  }

  static boolean movesFunction(Opcode opcode) {
    return switch (opcode) {
      case SUSPEND_VHCA,
          RESUME_VHCA,
          QUERY_VHCA_MIGRATION_STATE,
          SAVE_VHCA_STATE,
          LOAD_VHCA_STATE ->
          true;
      default -> false;
    };
  }

  private void check(Opcode opcode, Mlx5Message in) throws Mlx5Refusal {
    Mlx5CommandLength length = Mlx5CommandLength.of(opcode);
    if (!length.takesInput(in.lengthBytes())) {
      throw new Mlx5Refusal(CommandStatus.BAD_INP_LEN, "the input length is wrong");
    }
    if (assumptions.is(Mlx5Assumption.RESERVED_BITS, "bad-param") && length.reservedSet(in)) {
      throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "a reserved bit is set");
    }
    if (!inOrder(opcode, in)) {
      assumptions.check(Mlx5Assumption.START_UP_ORDER, opcode + " comes before its turn");
    }
  }

  private boolean inOrder(Opcode opcode, Mlx5Message in) {
    return switch (opcode) {
      case ENABLE_HCA -> ofVirtualFunction(in) ? initialised : !enabled;
      case DISABLE_HCA -> ofVirtualFunction(in) ? initialised : enabled;
      case QUERY_ISSI, SET_ISSI, QUERY_PAGES, MANAGE_PAGES -> enabled;
      case QUERY_HCA_CAP, SET_HCA_CAP, ACCESS_REG ->
          enabled && card.pages().count() >= settings.bootPages;
      case INIT_HCA ->
          enabled && issi == 1 && card.pages().count() >= settings.bootPages + settings.initPages;
      default -> initialised;
    };
  }

  private static boolean ofVirtualFunction(Mlx5Message in) {
    return in.field(8, 15, 0) != 0;
  }

  /** Executes a command that was delivered. */
  Mlx5Step execute(Mlx5Command command) throws Mlx5Refusal {
    Mlx5Message in = command.in;
    Opcode opcode =
        command
            .opcode()
            .orElseThrow(
                () ->
                    new Mlx5Refusal(
                        CommandStatus.BAD_OP, "0x%x is no opcode".formatted(command.code())));
    check(opcode, in);
    if (!Mlx5CommandLength.of(opcode).takesOutput(command.outputBytes)) {
      throw new Mlx5Refusal(CommandStatus.BAD_OUTP_LEN, "the output length is wrong");
    }
    Mlx5VirtualFunction function = command.function;
    if (movesFunction(opcode) && function == null) {
      function = migration.function(in);
    }
    Mlx5Resources resources = card.resources();
    return switch (opcode) {
      case SUSPEND_VHCA -> migration.suspend(in, moved(function));
      case RESUME_VHCA -> migration.resume(in, moved(function));
      case QUERY_VHCA_MIGRATION_STATE -> migration.query(in, moved(function));
      case SAVE_VHCA_STATE -> migration.save(command, moved(function));
      case LOAD_VHCA_STATE -> migration.load(command, moved(function));
      case ENABLE_HCA -> {
        functionId(in);
        enabled = true;
        yield Mlx5Step.done();
      }
      case DISABLE_HCA -> {
        if (ofVirtualFunction(in)) {
          functionId(in);
          yield Mlx5Step.done();
        }
        if (card.pages().count() > 0) {
          assumptions.check(Mlx5Assumption.START_UP_ORDER, "the firmware still has pages");
        }
        enabled = false;
        issi = 0;
        yield Mlx5Step.done();
      }
      case QUERY_ISSI ->
          Mlx5Step.done(Mlx5Message.ofLength(0x70).field(8, 15, 0, issi).dword(0x6c, 3));
      case SET_ISSI -> setIssi(in);
      case QUERY_PAGES -> queryPages(in);
      case MANAGE_PAGES -> managePages(in);
      case QUERY_HCA_CAP -> queryCapabilities(in);
      case SET_HCA_CAP -> setCapabilities(in);
      case ACCESS_REG -> accessRegister(in);
      case INIT_HCA -> {
        initialised = true;
        yield Mlx5Step.done();
      }
      case TEARDOWN_HCA -> tearDown(in);
      case SET_DRIVER_VERSION -> Mlx5Step.done();
      case CREATE_MKEY -> resources.createMkey(in);
      case DESTROY_MKEY -> resources.destroyMkey(in);
      case CREATE_EQ -> resources.createEq(in);
      case DESTROY_EQ -> resources.destroyEq(in);
      case CREATE_CQ -> resources.createCq(in);
      case DESTROY_CQ -> resources.destroyCq(in);
      case CREATE_QP -> resources.createQp(in);
      case DESTROY_QP -> resources.destroyQp(in);
      case RST2INIT_QP -> resources.modifyQp(in, Mlx5QueuePair.State.INIT);
      case INIT2RTR_QP -> resources.modifyQp(in, Mlx5QueuePair.State.READY_TO_RECEIVE);
      case RTR2RTS_QP -> resources.modifyQp(in, Mlx5QueuePair.State.READY_TO_SEND);
      case ALLOC_PD -> resources.allocPd();
      case DEALLOC_PD -> resources.deallocPd(in);
      case ALLOC_UAR -> resources.allocUar();
      case DEALLOC_UAR -> resources.deallocUar(in);
      case CREATE_GENERAL_OBJECT -> trackers.create(in);
      case MODIFY_GENERAL_OBJECT -> trackers.modify(command);
      case QUERY_GENERAL_OBJECT -> trackers.query(in);
      case DESTROY_GENERAL_OBJECT -> trackers.destroy(in);
    };
  }

  private static Mlx5VirtualFunction moved(
      @org.jspecify.annotations.Nullable Mlx5VirtualFunction function) throws Mlx5Refusal {
    if (function == null) {
      throw new Mlx5Refusal(CommandStatus.INT_ERR, "the command names no function");
    }
    return function;
  }

  private Mlx5Step setIssi(Mlx5Message in) throws Mlx5Refusal {
    int wanted = in.field(8, 15, 0);
    if (wanted > 1) {
      throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "ISSI is 0 or 1");
    }
    issi = wanted;
    return Mlx5Step.done();
  }

  /** Returns how many pages the firmware wants for a function, or, negative, has to give back. */
  private int wantedPages(int opMod, int function) throws Mlx5Refusal {
    int given = card.pages().count(function);
    int boot = function == 0 ? settings.bootPages : 0;
    int init = function == 0 ? settings.initPages : 0;
    return switch (opMod) {
      case OpMod.QUERY_PAGES_BOOT -> Math.max(0, boot - given);
      case OpMod.QUERY_PAGES_INIT -> Math.max(0, boot + init - given);
      case QUERY_PAGES_REGULAR -> initialised ? 0 : -given;
      default -> throw new Mlx5Refusal(CommandStatus.BAD_OP, "unknown modifier of QUERY_PAGES");
    };
  }

  private Mlx5Step queryPages(Mlx5Message in) throws Mlx5Refusal {
    int function = functionId(in);
    Mlx5Message out = Mlx5Message.ofLength(16).field(8, 15, 0, function);
    return Mlx5Step.done(out.dword(0xc, wantedPages(in.field(4, 15, 0), function)));
  }

  private int functionId(Mlx5Message in) throws Mlx5Refusal {
    int function = in.field(8, 15, 0);
    if (function > settings.functions) {
      throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "there is no function " + function);
    }
    return function;
  }

  private Mlx5Step managePages(Mlx5Message in) throws Mlx5Refusal {
    int function = functionId(in);
    int count = in.dword(0xc);
    if (count < 0 || count > MAX_PAGES_AT_ONCE) {
      throw new Mlx5Refusal(CommandStatus.BAD_PARAM, count + " pages at once are too many");
    }
    switch (in.field(4, 15, 0)) {
      case OpMod.MANAGE_PAGES_CANNOT_GIVE -> {
        card.pagesRefused();
        return Mlx5Step.done();
      }
      case OpMod.MANAGE_PAGES_GIVE -> {
        if (in.lengthBytes() != 0x10 + count * Long.BYTES) {
          throw new Mlx5Refusal(CommandStatus.BAD_INP_LEN, "not as many pages as announced");
        }
        long[] pages = new long[count];
        for (int page = 0; page < count; page++) {
          pages[page] = in.qword(0x10 + page * Long.BYTES);
        }
        card.pages().give(function, pages);
        return Mlx5Step.done();
      }
      case OpMod.MANAGE_PAGES_TAKE -> {
        int most = initialised ? Math.min(count, card.pagesOffered(function)) : count;
        long[] pages = card.pages().take(function, most);
        card.pagesTaken(function, pages.length);
        Mlx5Message out = Mlx5Message.ofLength(0x10 + pages.length * Long.BYTES);
        out.dword(8, pages.length);
        for (int page = 0; page < pages.length; page++) {
          out.qword(0x10 + page * Long.BYTES, pages[page]);
        }
        return Mlx5Step.done(out);
      }
      default -> throw new Mlx5Refusal(CommandStatus.BAD_OP, "unknown modifier of MANAGE_PAGES");
    }
  }

  /** Returns the capabilities of the function that a command names. */
  private Mlx5Capabilities capabilities(Mlx5Message in) throws Mlx5Refusal {
    int function = in.field(8, 15, 0);
    if (!in.bit(8, 31)) {
      if (function != 0) {
        throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "another function was not announced");
      }
      return card.capabilities();
    }
    if (function == 0) {
      return card.capabilities();
    }
    Mlx5VirtualFunction virtual = card.function(function - 1);
    if (virtual == null) {
      throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "there is no function " + function);
    }
    return virtual.capabilities;
  }

  private Mlx5Step queryCapabilities(Mlx5Message in) throws Mlx5Refusal {
    int opMod = in.field(4, 15, 0);
    boolean current = (opMod & 1) == OpMod.CAPABILITY_CURRENT;
    Mlx5Message block = capabilities(in).block(opMod >>> 1, current);
    if (block == null) {
      throw new Mlx5Refusal(
          CommandStatus.BAD_PARAM, "there is no capability 0x%x".formatted(opMod >>> 1));
    }
    Mlx5Message out = Mlx5Message.ofLength(0x10 + Mlx5Capabilities.BLOCK_BYTES);
    System.arraycopy(block.content(), 0, out.content(), 0x10, Mlx5Capabilities.BLOCK_BYTES);
    return Mlx5Step.done(out);
  }

  private Mlx5Step setCapabilities(Mlx5Message in) throws Mlx5Refusal {
    int type = in.field(4, 15, 0) >>> 1;
    if (type != CapabilityType.GENERAL && type != CapabilityType.GENERAL_2) {
      throw new Mlx5Refusal(
          CommandStatus.BAD_PARAM, "capability 0x%x cannot be set".formatted(type));
    }
    Mlx5Capabilities capabilities = capabilities(in);
    capabilities.set(type, Mlx5Message.of(in.content(0x10, Mlx5Capabilities.BLOCK_BYTES)));
    card.capabilitiesSet();
    return Mlx5Step.done();
  }

  private Mlx5Step accessRegister(Mlx5Message in) throws Mlx5Refusal {
    if (in.field(8, 15, 0) != HOST_ENDIANNESS || in.lengthBytes() != 0x20) {
      throw new Mlx5Refusal(
          CommandStatus.BAD_PARAM, "there is no register 0x%x".formatted(in.field(8, 15, 0)));
    }
    Mlx5Message out = Mlx5Message.ofLength(0x20);
    switch (in.field(4, 15, 0)) {
      case OpMod.ACCESS_REG_WRITE ->
          System.arraycopy(in.content(), 0x10, endianness, 0, endianness.length);
      case OpMod.ACCESS_REG_READ ->
          System.arraycopy(endianness, 0, out.content(), 0x10, endianness.length);
      default -> throw new Mlx5Refusal(CommandStatus.BAD_OP, "unknown modifier of ACCESS_REG");
    }
    return Mlx5Step.done(out);
  }

  private Mlx5Step tearDown(Mlx5Message in) throws Mlx5Refusal {
    if (in.field(8, 15, 0) > 2) {
      throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "there is no such profile of TEARDOWN");
    }
    initialised = false;
    card.tornDown();
    return Mlx5Step.done();
  }
}
