package io.vferry.vendor.sim;

/** The numbers that the simulated hardware shares with its drivers. Registers are 8 bytes wide. */
final class SimRegisters {

  /** The model's own vendor number: a real one would attract the drivers of real devices. */
  static final int VENDOR_ID = 0xf5f5;

  /** Device number of profile 0; the others follow. */
  static final int DEVICE_ID = 0x0510;

  // The guest's registers, BAR 0.
  static final int GUEST_BAR = 0;
  static final int GUEST_BAR_BYTES = 4096;
  static final int ID = 0x00;
  static final int ID_VALUE = 0x53494d31;
  static final int CONTROL = 0x08;
  static final int CONTROL_ENABLE = 1;
  static final int RING_SUBMIT = 0x10;
  static final int RING_COMPLETE = 0x18;

  /** Number of tasks submitted since the rings were set up. */
  static final int DOORBELL = 0x20;

  /** Causes of interrupts, one bit for each vector; reading clears. */
  static final int IRQ_STATUS = 0x28;

  static final int DMA_BASE = 0x30;
  static final int DMA_PAGES = 0x38;

  /** The size of DMA area, in pages, that the device wishes for. */
  static final int DMA_PAGES_WISHED = 0x40;

  /** The tasks per second that the device wishes for. */
  static final int TASK_RATE = 0x48;

  /** What the guest calls the device; the device signs what it writes with it. */
  static final int TAG = 0x50;

  static final int SCRATCH = 0x58;

  /** Size of the local memory in the upper half of this BAR; 0 if there is none. */
  static final int LOCAL_BYTES = 0x60;

  /** Address of peer n's mailbox; writing it restarts the count of messages. */
  static final int PEER_ADDRESS = 0x100;

  /** The channel at peer n in the low half, the epoch in the high half. */
  static final int PEER_CHANNEL = 0x108;

  static final int PEER_STRIDE = 0x10;
  static final int PEERS = 16;

  /** Epoch expected on channel n; writing it restarts the count of messages. */
  static final int CHANNEL_EPOCH = 0x200;

  static final int CHANNELS = 64;
  static final int MSIX_TABLE = 0x800;
  static final int MSIX_PBA = 0xc00;
  static final int VECTORS = 2;
  static final int VECTOR_TASKS = 0;
  static final int VECTOR_MAIL = 1;

  // Rings in guest memory: one page each.
  static final int RING_ENTRIES = 64;
  static final int ENTRY_BYTES = 64;

  // The migration registers, BAR 2. Not for the guest.
  static final int MIGRATION_BAR = 2;

  /** Writing performs a command, or begins an arc; the write does not wait for the device. */
  static final int COMMAND = 0x00;

  /** Result of the last command; of an arc whether it has begun. */
  static final int RESULT = 0x08;

  /** Result of the last arc; arcs take time, and other commands work meanwhile. */
  static final int ARC_RESULT = 0x60;

  /** In how many nanoseconds {@link #ARC_RESULT} is worth another look. */
  static final int ARC_WAIT_NANOS = 0x70;

  static final int LOCAL_MEMORY_BYTES = 0x68;

  static final int STATE = 0x10;

  /** Flags as in the kernel's {@code struct vfio_device_feature_migration}. */
  static final int FEATURES = 0x18;

  static final int MODEL = 0x20;
  static final int FIRMWARE = 0x28;
  static final int STATE_BYTES = 0x30;
  static final int INITIAL_BYTES = 0x38;
  static final int DIRTY_BYTES = 0x40;

  /** Whether the first image began anew; set by {@link #COMMAND_PRECOPY}. */
  static final int REINITIALISED = 0x48;

  static final int STOP_COPY_BYTES = 0x50;

  /** A number that no other save session has, as far as a 64-bit number can. */
  static final int SESSION = 0x58;

  /** Kind, length, first page, page count: of the chunk in the window. */
  static final int CHUNK_KIND = 0x80;

  static final int CHUNK_BYTES = 0x88;
  static final int CHUNK_FIRST = 0x90;
  static final int CHUNK_PAGES = 0x98;

  /** Whether there is no chunk and never will be one in this session. */
  static final int CHUNK_LAST = 0xa0;

  /** Version of each page of the chunk, 4 bytes each. */
  static final int VERSIONS = 0x400;

  static final int WINDOW = 0x10000;
  static final int WINDOW_BYTES = 256 << 10;
  static final int WINDOW_PAGES = WINDOW_BYTES >> SimPattern.PAGE_SHIFT;
  static final int MIGRATION_BAR_BYTES = 0x80000;

  /** An arc: this plus 16 times the number of the state it starts in plus that of its end. */
  static final int COMMAND_ARC = 0x1000;

  /** Puts the next chunk to save into the window. */
  static final int COMMAND_NEXT = 1;

  /** Makes the window the place for the chunk that the chunk registers describe. */
  static final int COMMAND_PLACE = 2;

  /** Takes what was written into the window. */
  static final int COMMAND_TAKE = 3;

  /** Brings the size registers up to date and offers what has changed. */
  static final int COMMAND_PRECOPY = 4;

  /** Takes the arc back that is under way. */
  static final int COMMAND_ABANDON = 5;

  static final int RESULT_DONE = 0;
  static final int RESULT_WRONG_STATE = 1;
  static final int RESULT_UNSUPPORTED = 2;
  static final int RESULT_FAILED = 3;
  static final int RESULT_BAD_DATA = 4;
  static final int RESULT_INTERRUPTED = 5;
  static final int RESULT_RESET = 6;
  static final int RESULT_BUSY = 7;

  /** The arc is under way. */
  static final int RESULT_PENDING = 8;

  static final int CHUNK_NONE = 0;
  static final int CHUNK_MEMORY = 1;
  static final int CHUNK_CORE = 2;

  // The mailbox for other devices, BAR 4: 64 bytes for each channel.
  static final int MAILBOX_BAR = 4;
  static final int MAILBOX_BYTES = CHANNELS * ENTRY_BYTES;

  private SimRegisters() {}
}
