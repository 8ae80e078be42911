package io.vferry.vendor.hisiacc.registers;

/** Numbers that are no register: commands, bits, sizes. */
public final class HisiAccNumbers {

  /** The BAR of the queue manager, in both kinds of function. */
  public static final int QM_BAR = 2;

  /** The BAR with a doorbell page for each queue. */
  public static final int DOORBELL_BAR = 4;

  /** Size of BAR 2 of a virtual function; a guest gets the first half where the second is ours. */
  public static final int VF_BAR_BYTES = 0x10000;

  // Migration registers: seven words each.

  /** Words of the context of an event queue. */
  public static final int EVENT_CONTEXT_WORDS = 7;

  /** Event queue context in BAR 2 of the virtual function. */
  public static final int VF_EQC = 0x8000;

  /** Asynchronous event queue context in BAR 2 of the virtual function. */
  public static final int VF_AEQC = 0x8020;

  /** Windows in BAR 2 of the physical function, one for each function. Linux 7.3. */
  public static final int WINDOWS = 0x180000;

  /** Size of a window. */
  public static final int WINDOW_BYTES = 0x2000;

  /** Event queue context in a window. */
  public static final int WINDOW_EQC = 0x1c00;

  /** Asynchronous event queue context in a window. */
  public static final int WINDOW_AEQC = 0x1c20;

  // Doorbells: one store of 64 bits.

  /** Doorbells of submission and completion queues. */
  public static final int QUEUE_DOORBELL = 0x1000;

  /** Doorbells of event queues. */
  public static final int EVENT_DOORBELL = 0x2000;

  /** Distance of doorbell pages in BAR 4. */
  public static final int DOORBELL_PAGE_BYTES = 0x10000;

  /** Kinds of doorbells, at {@link #DOORBELL_KIND_SHIFT}. */
  public static final int DOORBELL_SQ = 0;

  /** See {@link #DOORBELL_SQ}. */
  public static final int DOORBELL_CQ = 1;

  /** See {@link #DOORBELL_SQ}. */
  public static final int DOORBELL_EQ = 2;

  /** See {@link #DOORBELL_SQ}. */
  public static final int DOORBELL_AEQ = 3;

  /** Position of the kind; the queue number is below. */
  public static final int DOORBELL_KIND_SHIFT = 12;

  /** Position of the index. */
  public static final int DOORBELL_INDEX_SHIFT = 32;

  /** Position of the priority. */
  public static final int DOORBELL_PRIORITY_SHIFT = 48;

  // The mailbox: 16 bytes in one access.

  /** Size of the mailbox. */
  public static final int MAILBOX_BYTES = 16;

  /** Bits of the command in the first word. */
  public static final int MAILBOX_COMMAND_MASK = 0xff;

  /** Position of the status, 4 bits; not zero means failed. */
  public static final int MAILBOX_STATUS_SHIFT = 9;

  /** Bit that software sets and hardware clears. */
  public static final int MAILBOX_BUSY = 1 << 13;

  /** Bit that makes a command a read. */
  public static final int MAILBOX_GET = 1 << 14;

  /** Position of the queue number. */
  public static final int MAILBOX_QUEUE_SHIFT = 16;

  /** Command: context of a submission queue. */
  public static final int COMMAND_SQC = 0x0;

  /** Command: context of a completion queue. */
  public static final int COMMAND_CQC = 0x1;

  /** Command: context of the event queue. */
  public static final int COMMAND_EQC = 0x2;

  /** Command: context of the asynchronous event queue. */
  public static final int COMMAND_AEQC = 0x3;

  /** Command: address of the array of submission queue contexts. */
  public static final int COMMAND_SQC_BT = 0x4;

  /** Command: address of the array of completion queue contexts. */
  public static final int COMMAND_CQC_BT = 0x5;

  /** Command: the function's entry in the table of queues. */
  public static final int COMMAND_VFT = 0x6;

  /** Command: drain and stop one queue. */
  public static final int COMMAND_STOP_QUEUE = 0x8;

  /** Command: drain the function. */
  public static final int COMMAND_FLUSH = 0x9;

  /** Command: give a message to another function, whose number is the queue number. */
  public static final int COMMAND_SEND = 0xc;

  /** Command: fetch the message of another function, whose number is the queue number. */
  public static final int COMMAND_RECEIVE = 0xd;

  /** Command: pause the function. */
  public static final int COMMAND_PAUSE = 0xe;

  /** All virtual functions, as the one that a message is for. */
  public static final int ALL_FUNCTIONS = 0xffff;

  /** All virtual functions, as those that {@code IFC_INT_CFG} rings. */
  public static final int RING_ALL = 0x7f;

  // Bits of FUNC_CAPS.

  /** The function knows {@link #COMMAND_STOP_QUEUE}. */
  public static final int CAPABILITY_STOP_QUEUE = 1 << 9;

  /** The function knows {@link #COMMAND_FLUSH}. */
  public static final int CAPABILITY_FLUSH = 1 << 10;

  // An entry of the table of queues, 64 bits.

  /** Position of the first queue, 16 bits. */
  public static final int VFT_BASE_SHIFT = 28;

  /** Position of the bit that says that the entry is valid. */
  public static final int VFT_VALID_SHIFT = 44;

  /** Position of the number of queues less one, 10 bits. */
  public static final int VFT_COUNT_SHIFT = 45;

  /** Mask of the number of queues less one. */
  public static final int VFT_COUNT_MASK = 0x3ff;

  // Versions of the queue manager, as the PCI revision of the physical function.

  /** First version that can migrate. */
  public static final int QM_V3 = 0x30;

  /** First version with windows in the physical function. Linux 7.3. */
  public static final int QM_V4 = 0x50;

  /** First version that can discard doorbells and tells whose a bus error is. Linux 7.3. */
  public static final int QM_V5 = 0x51;

  // Bits of ABNORMAL_INT_STATUS.

  /** Errors on the bus, the only ones that version 5 assigns to functions. */
  public static final int ABNORMAL_AXI = 0x3;

  /** Most virtual functions of one physical function. */
  public static final int MAX_VFS = 63;

  private HisiAccNumbers() {}
}
