package io.vferry.runtime.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Sessions that form, in one thread. */
class LobbyTest {

  private final Lobby lobby = new Lobby(4);

  private static Hello hello(int session, int index) {
    return new Hello(Hello.VERSION, index, 1, new UUID(0, session));
  }

  private PipeLink enter(int session, int index) {
    assertThat(lobby.claim(hello(session, index))).isEmpty();
    PipeLink link = new PipeLink(0, 1, new Random(0));
    assertThat(lobby.seat(hello(session, index), link)).isEmpty();
    return link;
  }

  @Test
  void theOldestSessionHasToGoWhenThereAreTooMany() {
    Link first = enter(0, 0);
    Link second = enter(1, 0);
    enter(2, 0);
    enter(3, 0);
    assertThat(lobby.takeDropped()).isEmpty();
    enter(4, 0);
    assertThat(lobby.takeDropped()).containsExactly(first);
    enter(5, 0);
    assertThat(lobby.takeDropped()).containsExactly(second);
    assertThat(lobby.claim(hello(0, 1)).orElseThrow()).contains("not known here");
  }

  @Test
  void aConnectionOfASessionThatWentMeanwhileIsDropped() {
    enter(0, 0);
    assertThat(lobby.claim(hello(0, 1))).isEmpty();
    lobby.drop(new UUID(0, 0));
    assertThat(lobby.takeDropped()).hasSize(1);
    Link late = new PipeLink(0, 1, new Random(0));
    assertThat(lobby.seat(hello(0, 1), late)).isEmpty();
    assertThat(lobby.takeDropped()).containsExactly(late);
  }

  @Test
  void theLastConnectionCompletesASessionInTheOrderOfTheIndices() {
    assertThat(lobby.claim(hello(0, 0))).isEmpty();
    assertThat(lobby.claim(hello(0, 1))).isEmpty();
    Link data = new PipeLink(0, 1, new Random(0));
    Link control = new PipeLink(0, 1, new Random(0));
    assertThat(lobby.seat(hello(0, 1), data)).isEmpty();
    assertThat(lobby.seat(hello(0, 0), control))
        .contains(new Lobby.Complete(List.of(control, data)));
    assertThat(lobby.claim(hello(1, 0)).orElseThrow()).contains("busy");
    lobby.open();
    assertThat(lobby.claim(hello(1, 0))).isEmpty();
  }
}
