package io.vferry.vendor.mlx5;

import io.vferry.vendor.mlx5.command.AllocPd;
import io.vferry.vendor.mlx5.command.CreateMkey;
import io.vferry.vendor.mlx5.command.DeallocPd;
import io.vferry.vendor.mlx5.command.DestroyMkey;
import io.vferry.vendor.mlx5.command.LoadVhcaState;
import io.vferry.vendor.mlx5.command.QueryVhcaMigrationState;
import io.vferry.vendor.mlx5.command.ResumeVhca;
import io.vferry.vendor.mlx5.command.SaveVhcaState;
import io.vferry.vendor.mlx5.command.Side;
import io.vferry.vendor.mlx5.command.SuspendVhca;
import io.vferry.vendor.mlx5.queue.CommandException;
import io.vferry.vendor.mlx5.queue.CommandQueue;
import io.vferry.vendor.mlx5.queue.DmaMemory;
import io.vferry.vendor.mlx5.queue.Flight;
import io.vferry.vendor.mlx5.queue.FunctionSession;

/**
 * A virtual function, as commands on the queue of its physical one name it.
 *
 * @param session with the physical function
 * @param id the number in the commands
 * @param chunks whether its state can be saved in chunks
 * @param tellsState whether the query says in which state the migration is
 */
record Vhca(FunctionSession session, int id, boolean chunks, boolean tellsState) {

  private static final int PAGE_BYTES = 4096;

  CommandQueue queue() {
    return session.queue();
  }

  void suspend(Side side) throws CommandException {
    queue().execute(new SuspendVhca(id, side));
  }

  void resume(Side side) throws CommandException {
    queue().execute(new ResumeVhca(id, side));
  }

  QueryVhcaMigrationState.Sizes query(boolean incremental, boolean chunk) throws CommandException {
    return queue().execute(new QueryVhcaMigrationState(id, incremental, chunk));
  }

  /** Returns how large all images together are, at least 0. */
  long sizeBytes(QueryVhcaMigrationState.Sizes asked) {
    long bytes = chunks ? asked.remainingBytes() : asked.requiredBytes();
    return bytes < 0 ? Long.MAX_VALUE : bytes;
  }

  int allocatePd() throws CommandException {
    return queue().execute(new AllocPd());
  }

  void free(int pd) throws CommandException {
    queue().execute(new DeallocPd(pd));
  }

  /** Gives the firmware memory that reads as zeros. */
  ImageBuffer allocate(int pd, long sizeBytes) throws CommandException {
    return keyed(pd, session.arena().allocate(sizeBytes));
  }

  /** Gives the firmware memory that is there once it is written to. */
  ImageBuffer allocateLazily(int pd, long sizeBytes) throws CommandException {
    return keyed(pd, session.arena().reserve(sizeBytes));
  }

  private ImageBuffer keyed(int pd, DmaMemory memory) throws CommandException {
    try {
      int pages = (int) (memory.lengthBytes() / PAGE_BYTES);
      return new ImageBuffer(memory, queue().execute(new CreateMkey(pd, memory.address(), pages)));
    } catch (CommandException e) {
      if (e.unchanged()) {
        session.arena().release(memory);
      }
      throw e;
    }
  }

  /** Takes memory back from the firmware. */
  void free(ImageBuffer buffer) throws CommandException {
    queue().execute(new DestroyMkey(buffer.mkey()));
    session.arena().release(buffer.memory());
  }

  Flight<SaveVhcaState.Saved> save(boolean incremental, boolean track, int mkey, long sizeBytes)
      throws CommandException {
    return queue().submit(new SaveVhcaState(id, incremental, track, mkey, sizeBytes));
  }

  Flight<Void> load(int mkey, long sizeBytes) throws CommandException {
    return queue().submit(new LoadVhcaState(id, mkey, sizeBytes));
  }
}
