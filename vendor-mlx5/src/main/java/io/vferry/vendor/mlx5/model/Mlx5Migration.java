package io.vferry.vendor.mlx5.model;

import io.vferry.vendor.mlx5.prm.CommandStatus;
import io.vferry.vendor.mlx5.prm.OpMod;
import java.nio.ByteBuffer;

/** The five commands that move a virtual function. The card's lock guards it. */
final class Mlx5Migration {

  private final Mlx5Card card;
  private final Mlx5CardSettings settings;
  private final Mlx5Assumptions assumptions;
  private long chains;

  Mlx5Migration(Mlx5Card card, Mlx5CardSettings settings) {
    this.card = card;
    this.settings = settings;
    this.assumptions = settings.assumptions;
  }

  /** Returns the function that a command names, if it may be moved. */
  Mlx5VirtualFunction function(Mlx5Message in) throws Mlx5Refusal {
    int vhca = in.field(8, 15, 0);
    Mlx5VirtualFunction function = card.functionOf(vhca);
    if (function == null) {
      throw assumptions.refusal(
          Mlx5Assumption.UNKNOWN_VHCA, "there is no VHCA 0x%x".formatted(vhca));
    }
    if (!function.capabilities.migratable() || !card.capabilities().migration()) {
      throw assumptions.refusal(Mlx5Assumption.NOT_MIGRATABLE, "the function is not migratable");
    }
    function.run();
    return function;
  }

  Mlx5Step suspend(Mlx5Message in, Mlx5VirtualFunction function) throws Mlx5Refusal {
    switch (in.field(4, 15, 0)) {
      case OpMod.SUSPEND_INITIATOR -> {
        if (function.initiatorSuspended && !function.engine.draining()) {
          assumptions.check(Mlx5Assumption.SUSPEND_TWICE, "the initiator is suspended already");
        }
        function.initiatorSuspended = true;
        // What is under way to a peer has to arrive before the command completes.
        return function.engine.drain() ? Mlx5Step.done() : new Mlx5Step.Again();
      }
      case OpMod.SUSPEND_RESPONDER -> {
        if (function.responderSuspended) {
          assumptions.check(Mlx5Assumption.SUSPEND_TWICE, "the responder is suspended already");
        }
        if (!function.initiatorSuspended) {
          assumptions.check(Mlx5Assumption.SUSPEND_RESPONDER_FIRST, "the initiator still runs");
        }
        function.responderSuspended = true;
        return Mlx5Step.done();
      }
      default -> throw new Mlx5Refusal(CommandStatus.BAD_OP, "unknown modifier of SUSPEND");
    }
  }

  Mlx5Step resume(Mlx5Message in, Mlx5VirtualFunction function) throws Mlx5Refusal {
    switch (in.field(4, 15, 0)) {
      case OpMod.RESUME_RESPONDER -> {
        if (!function.responderSuspended) {
          assumptions.check(Mlx5Assumption.RESUME_TWICE, "the responder is not suspended");
        }
        if (function.loading.open && !function.loading.whole) {
          assumptions.check(
              Mlx5Assumption.RESUME_HALF_LOADED, "the last image has not been loaded");
          function.halfLoaded = true;
        }
        function.loading.clear();
        function.saving.clear();
        function.queriedForChunks = false;
        function.responderSuspended = false;
        function.run();
        return Mlx5Step.done();
      }
      case OpMod.RESUME_INITIATOR -> {
        if (!function.initiatorSuspended) {
          assumptions.check(Mlx5Assumption.RESUME_TWICE, "the initiator is not suspended");
        }
        if (function.responderSuspended) {
          assumptions.check(
              Mlx5Assumption.RESUME_INITIATOR_FIRST, "the responder is still suspended");
        }
        function.initiatorSuspended = false;
        function.engine.resume();
        return Mlx5Step.done();
      }
      default -> throw new Mlx5Refusal(CommandStatus.BAD_OP, "unknown modifier of RESUME");
    }
  }

  Mlx5Step query(Mlx5Message in, Mlx5VirtualFunction function) throws Mlx5Refusal {
    requireNoModifier(in);
    boolean incremental = in.bit(8, 31);
    boolean chunk = in.bit(8, 30);
    if (chunk && !function.capabilities.chunks()) {
      assumptions.check(
          Mlx5Assumption.QUERY_CHUNK_WITHOUT_CAPABILITY, "the function does not save in chunks");
      chunk = false;
    }
    if (incremental && !function.tracked) {
      throw assumptions.refusal(Mlx5Assumption.QUERY_UNTRACKED, "the function is not tracked");
    }
    function.queriedForChunks = chunk;
    long pages = incremental ? function.content.pendingPages() : function.content.pages();
    int core = function.responderSuspended ? function.engine.coreBytes() : 0;
    long whole = Mlx5ImageHeader.imageBytes(pages, core);
    if (incremental && pages == 0 && !function.responderSuspended) {
      whole = 0;
    }
    long required = whole;
    long remaining = whole;
    if (chunk && inChunks(function, whole)) {
      required = Math.min(whole, settings.chunkBytes);
      remaining = inChunks(pages, core);
    }
    Mlx5Message out = Mlx5Message.ofLength(64);
    if (settings.migrationState) {
      out.field(0x0c, 31, 28, migrationState(function));
    }
    // A size that needs more than 32 bits is as large as the field can say.
    out.dword(0x10, (int) Math.min(required, 0xffff_ffffL));
    return Mlx5Step.done(out.qword(0x18, remaining));
  }

  private static int migrationState(Mlx5VirtualFunction function) {
    if (!function.booted()) {
      return 0;
    }
    if (!function.tracked) {
      return 1;
    }
    if (function.reinitialised) {
      return 4;
    }
    return function.content.pendingPages() > 0 ? 3 : 2;
  }

  /** Whether the next image may leave something for the one after it. */
  private boolean inChunks(Mlx5VirtualFunction function, long wholeBytes) {
    return function.queriedForChunks
        && (function.responderSuspended
            || wholeBytes > Mlx5CardSettings.MAX_SAVE_BYTES
            || assumptions.is(Mlx5Assumption.PRECOPY_CHUNKS, "partial"));
  }

  /** Returns the sum of the sizes of all images that carry so many pages and the core. */
  private long inChunks(long pages, int coreBytes) {
    long sum = 0;
    long left = pages;
    while (Mlx5ImageHeader.imageBytes(left, coreBytes) > settings.chunkBytes) {
      long here = pagesIn(settings.chunkBytes, left);
      sum += Mlx5ImageHeader.imageBytes(here, 0);
      left -= here;
    }
    return sum + Mlx5ImageHeader.imageBytes(left, coreBytes);
  }

  private static long pagesIn(long bytes, long pages) {
    return Math.min(pages, (bytes - Mlx5ImageHeader.BYTES) / Mlx5ImageHeader.PAGE_COST_BYTES);
  }

  private static void requireNoModifier(Mlx5Message in) throws Mlx5Refusal {
    if (in.field(4, 15, 0) != 0) {
      throw new Mlx5Refusal(CommandStatus.BAD_OP, "the command has no modifier");
    }
  }

  Mlx5Step save(Mlx5Command command, Mlx5VirtualFunction function) throws Mlx5Refusal {
    Mlx5Message in = command.in;
    requireNoModifier(in);
    boolean incremental = in.bit(8, 31);
    boolean track = in.bit(8, 30);
    long size = in.dword(0x1c) & 0xffff_ffffL;
    if (!incremental && !track && function.tracked && !function.responderSuspended) {
      return endTracking(function, size);
    }
    checkSave(function, incremental, track);
    Mlx5Content content = function.content;
    boolean anew = !incremental;
    int pages = anew ? content.pages() : content.pendingPages();
    byte[] core = function.responderSuspended ? function.engine.encode() : new byte[0];
    long whole = Mlx5ImageHeader.imageBytes(pages, core.length);
    boolean chunked = inChunks(function, whole);
    long room = chunked ? Math.min(size, settings.chunkBytes) : size;
    boolean all = whole <= room;
    int here = all ? pages : (int) pagesIn(room, pages);
    if (!all && (!chunked || here < 1)) {
      String reason = "the image has %d bytes and the buffer %d".formatted(whole, size);
      if (function.responderSuspended) {
        throw assumptions.refusal(Mlx5Assumption.SAVE_SMALL_BUFFER_SUSPENDED, reason);
      }
      throw new Mlx5Refusal(CommandStatus.BAD_RES_STATE, reason);
    }
    Mlx5Mkey mkey = card.resources().memory(in.dword(0x18), in.qword(0x10), size, true);
    if (anew) {
      function.saving.clear();
      function.saving.id = Mlx5Pattern.mix(function.content.writer() + ++chains * 31);
      content.allPending();
    }
    return saveImage(command, function, mkey, here, all ? core : new byte[0], all && !track);
  }

  private Mlx5Step saveImage(
      Mlx5Command command,
      Mlx5VirtualFunction function,
      Mlx5Mkey mkey,
      int pages,
      byte[] core,
      boolean last) {
    Mlx5Content content = function.content;
    int[] numbers = content.firstPending(pages);
    int[] versions = new int[numbers.length];
    byte[] coreAndTable = new byte[core.length + numbers.length * 8];
    ByteBuffer table = ByteBuffer.wrap(coreAndTable).put(core);
    for (int i = 0; i < numbers.length; i++) {
      versions[i] = content.version(numbers[i]);
      table.putInt(numbers[i]).putInt(versions[i]);
    }
    int length = (int) Mlx5ImageHeader.imageBytes(pages, core.length);
    Mlx5ImageHeader header =
        new Mlx5ImageHeader(
            settings.identity(),
            function.saving.id,
            function.saving.next,
            function.saving.checksum,
            length,
            pages,
            content.pages(),
            core.length,
            last,
            content.writer(),
            content.fingerprint());
    Mlx5Message head = header.encode(coreAndTable);
    return new Mlx5Step.Bulk(
        new Mlx5ImageWriter(
            command,
            mkey,
            card.iommu(),
            head,
            coreAndTable,
            new Mlx5ImageWriter.Pages(numbers, versions, content.writer()),
            () -> saved(command, function, header, head, numbers, versions)));
  }

  private Mlx5Step.Done saved(
      Mlx5Command command,
      Mlx5VirtualFunction function,
      Mlx5ImageHeader header,
      Mlx5Message head,
      int[] numbers,
      int[] versions) {
    Mlx5VirtualFunction.Chain chain = function.saving;
    chain.next++;
    chain.checksum = Mlx5ImageHeader.checksumOf(head);
    chain.open = !header.last();
    function.content.sent(numbers, versions);
    function.tracked = command.in.bit(8, 30);
    function.reinitialised = false;
    long cut = command.fault(Mlx5Fault.Kind.SHORT_IMAGE).map(Mlx5Fault::value).orElse(0L);
    Mlx5Message out = Mlx5Message.ofLength(16);
    out.dword(0x08, (int) Math.max(0, header.lengthBytes() - cut));
    out.dword(0x0c, header.last() ? 0 : (int) nextBytes(function));
    return new Mlx5Step.Done(out, header.lengthBytes());
  }

  private long nextBytes(Mlx5VirtualFunction function) {
    long whole =
        Mlx5ImageHeader.imageBytes(
            function.content.pendingPages(),
            function.responderSuspended ? function.engine.coreBytes() : 0);
    return Math.min(whole, settings.chunkBytes);
  }

  /** SAVE as the kernel's driver uses it to leave pre-copy: nobody wants the image. */
  private Mlx5Step endTracking(Mlx5VirtualFunction function, long size) throws Mlx5Refusal {
    if (size < Mlx5ImageHeader.imageBytes(function.content.pages(), 0)) {
      assumptions.check(
          Mlx5Assumption.SAVE_CLEANUP_ANY_SIZE, "the buffer is too small for a full image");
    }
    function.tracked = false;
    function.reinitialised = false;
    function.content.nothingPending();
    function.saving.clear();
    return Mlx5Step.done();
  }

  private void checkSave(Mlx5VirtualFunction function, boolean incremental, boolean track)
      throws Mlx5Refusal {
    if (track && function.responderSuspended) {
      throw assumptions.refusal(
          Mlx5Assumption.SAVE_TRACKED_FROZEN, "a suspended function cannot be tracked");
    }
    if (track && function.initiatorSuspended) {
      assumptions.check(
          Mlx5Assumption.SAVE_TRACKED_IN_P2P, "the initiator of the function is suspended");
    }
    if (!track && !function.responderSuspended) {
      throw assumptions.refusal(Mlx5Assumption.SAVE_FINAL_RUNNING, "the function still runs");
    }
    if (incremental && !function.saving.open) {
      throw assumptions.refusal(Mlx5Assumption.SAVE_INCREMENT_WITHOUT_BASE, "no image went before");
    }
  }

  Mlx5Step load(Mlx5Command command, Mlx5VirtualFunction function) throws Mlx5Refusal {
    Mlx5Message in = command.in;
    requireNoModifier(in);
    if (!function.responderSuspended) {
      throw assumptions.refusal(Mlx5Assumption.LOAD_RUNNING, "the function runs");
    }
    long size = in.dword(0x1c) & 0xffff_ffffL;
    long va = in.qword(0x10);
    Mlx5Mkey mkey = card.resources().memory(in.dword(0x18), va, size, false);
    if (size < Mlx5ImageHeader.BYTES) {
      throw badImage("the image has no whole header");
    }
    ByteBuffer head = ByteBuffer.allocate(Mlx5ImageHeader.BYTES);
    if (!mkey.read(card.iommu(), va, head)) {
      throw new Mlx5Refusal(CommandStatus.INT_ERR, "a page of the buffer cannot be reached");
    }
    Mlx5Message message = Mlx5Message.of(head.array());
    Mlx5ImageHeader header = Mlx5ImageHeader.decode(message);
    if (header == null) {
      throw badImage("there is no image");
    }
    checkNext(function, header, size);
    return new Mlx5Step.Bulk(
        new Mlx5ImageReader(
            command,
            mkey,
            card.iommu(),
            message,
            header,
            assumptions,
            coreAndTable -> loaded(function, message, header, coreAndTable)));
  }

  private Mlx5Refusal badImage(String reason) {
    return assumptions.refusal(Mlx5Assumption.LOAD_BAD_IMAGE, reason);
  }

  private void checkNext(Mlx5VirtualFunction function, Mlx5ImageHeader header, long size)
      throws Mlx5Refusal {
    Mlx5VirtualFunction.Chain chain = function.loading;
    if (header.identity() != settings.identity()) {
      throw badImage("the image is of another product or firmware");
    }
    if ((header.lengthBytes() & 0xffff_ffffL) != size
        || header.coreBytes() < 0
        || header.pagesHere() < 0
        || Mlx5ImageHeader.imageBytes(header.pagesHere(), header.coreBytes()) != size) {
      throw badImage("the image is not as long as it says");
    }
    if (header.pagesInAll() < 0
        || header.pagesHere() > header.pagesInAll()
        || header.pagesInAll() > function.settings.pages()) {
      throw badImage("the image has more pages than the function");
    }
    boolean next =
        header.sequence() == 0
            // No command says that a session begins, so what is whole may be loaded anew.
            ? header.previous() == 0 && (!chain.open || chain.whole || header.chain() != chain.id)
            : chain.open
                && !chain.whole
                && header.chain() == chain.id
                && header.sequence() == chain.next
                && header.previous() == chain.checksum;
    if (!next) {
      throw badImage(
          "image %d is not the next one, which is %d"
              .formatted(header.sequence(), chain.open ? chain.next : 0));
    }
  }

  private Mlx5Step.Done loaded(
      Mlx5VirtualFunction function, Mlx5Message head, Mlx5ImageHeader header, byte[] coreAndTable)
      throws Mlx5Refusal {
    Mlx5Content content = function.content;
    Mlx5VirtualFunction.Chain chain = function.loading;
    if (header.sequence() == 0) {
      content.forget(header.writer(), header.pagesInAll());
      chain.clear();
      chain.id = header.chain();
      chain.open = true;
    }
    ByteBuffer table = ByteBuffer.wrap(coreAndTable).position(header.coreBytes());
    while (table.hasRemaining()) {
      content.set(table.getInt(), table.getInt());
    }
    chain.next++;
    chain.checksum = Mlx5ImageHeader.checksumOf(head);
    if (header.last()) {
      if (content.fingerprint() != header.fingerprint()) {
        throw badImage("the images do not add up to the state that was saved");
      }
      if (!function.engine.decode(coreAndTable, header.coreBytes())) {
        throw badImage("the registers in the image make no sense");
      }
      chain.whole = true;
      function.loaded();
    }
    return new Mlx5Step.Done(Mlx5Message.ofLength(16), header.lengthBytes());
  }
}
