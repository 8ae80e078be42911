package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.host.linux.user.client.LibvfioUser.Answer;
import io.vferry.host.linux.user.client.LibvfioUser.Responder;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace.Direction;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Closing a stream ends the call that waits for the server, whether the caller hears the answers or
 * a thread of the channel does, and the conversation goes on.
 */
@EnabledOnOs(OS.LINUX)
@Timeout(60)
class ClosedStreamTest extends SocketFixture {

  private static final int MIG_DATA_READ = 17;
  private static final int MIG_DATA_WRITE = 18;

  /** The answers that the server has ready and does not give. */
  private final BlockingQueue<byte[]> withheld = new LinkedBlockingQueue<>();

  private final ByteBuffer room = ByteBuffer.allocateDirect(64);
  private HostMigration migration;
  private MigrationData data;

  private void open(int silentCommand, boolean listens, String parameters) throws Exception {
    Responder withholds =
        (message, files, usual) -> {
          for (Answer answer : usual.get()) {
            withheld.add(answer.bytes());
          }
          return List.of();
        };
    LibvfioUser server = server();
    java.util.Arrays.fill(server.bar, (byte) 0x5a);
    open(server.on(silentCommand, withholds), parameters);
    if (listens) {
      // Memory without a file: from now on the server may give orders.
      device.dma().map(0, aligned(PAGE), Direction.READ_WRITE);
    }
    migration = device.capability(HostMigration.class).orElseThrow();
    data =
        migration
            .setState(silentCommand == MIG_DATA_READ ? DeviceState.PRE_COPY : DeviceState.RESUMING)
            .orElseThrow();
  }

  /** Calls in another thread, and closes the stream when the server has the question. */
  private MigrationException closedWhile(int command) throws Exception {
    CompletableFuture<MigrationException> ended =
        CompletableFuture.supplyAsync(
            () ->
                catchThrowableOfType(
                    MigrationException.class,
                    () -> {
                      if (command == MIG_DATA_READ) {
                        data.read(room);
                      } else {
                        data.write(room);
                      }
                    }));
    byte[] answer = withheld.take();
    data.close();
    MigrationException e = ended.get(30, TimeUnit.SECONDS);
    withheld.put(answer);
    return e;
  }

  @ParameterizedTest
  @CsvSource({"17, false", "17, true", "18, false", "18, true"})
  void endsTheCallAndTheLateAnswerIsThrownAway(int command, boolean listens) throws Exception {
    open(command, listens, "");
    MigrationException e = closedWhile(command);
    assertThat(e).isNotNull();
    assertThat(e.code()).isEqualTo(DeviceError.SESSION_CLOSED);
    assertThat(room.position()).isZero();
    thread.say(withheld.take());
    // In step: each question gets its own answer.
    assertThat(migration.state())
        .isEqualTo(command == MIG_DATA_READ ? DeviceState.PRE_COPY : DeviceState.RESUMING);
    ByteBuffer word = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder());
    device.region(0).read(0, word);
    assertThat(word.getInt(0)).isEqualTo(0x5a5a5a5a);
    // What came late did not go where the one who asked wanted to have it.
    for (int i = 0; i < room.capacity(); i++) {
      assertThat(room.get(i)).isZero();
    }
    assertThat(catchThrowableOfType(MigrationException.class, () -> data.read(room)).code())
        .isEqualTo(DeviceError.SESSION_CLOSED);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theNextQuestionWaitsForTheLateAnswer(boolean listens) throws Exception {
    open(MIG_DATA_READ, listens, "");
    closedWhile(MIG_DATA_READ);
    CompletableFuture<DeviceState> state =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return migration.state();
              } catch (MigrationException e) {
                throw new AssertionError(e);
              }
            });
    assertThat(state).isNotDone();
    thread.say(withheld.take());
    assertThat(state.get(30, TimeUnit.SECONDS)).isEqualTo(DeviceState.PRE_COPY);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aServerThatNeverAnswersIsLostWhenItsTimeIsUp(boolean listens) throws Exception {
    open(MIG_DATA_READ, listens, "?deadline=500ms");
    MigrationException e = closedWhile(MIG_DATA_READ);
    assertThat(e.code()).isIn(DeviceError.SESSION_CLOSED, DeviceError.DEVICE_LOST);
    MigrationException lost = catchThrowableOfType(MigrationException.class, migration::state);
    assertThat(lost.code()).isEqualTo(DeviceError.DEVICE_LOST);
    assertThat(lost.condition()).isEqualTo(DeviceCondition.LOST);
    assertThat(lost.getMessage()).contains("did not answer MIG_DATA_READ within 500 ms");
  }
}
