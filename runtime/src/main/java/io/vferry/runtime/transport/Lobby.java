package io.vferry.runtime.transport;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Where the connections of sessions wait until they are all there.
 *
 * <p>Sessions that form are few: when there are too many the oldest has to go, so that strangers
 * who never finish cannot keep others out. Not thread-safe.
 */
final class Lobby {

  private static final int MAX_FORMING = 4;

  /** A session of which all connections are there; the first link is the control connection. */
  record Complete(List<Link> links) {}

  private static final class Forming {
    private final @Nullable Link[] seats;
    private final boolean[] claimed;
    private int taken;

    private Forming(int count) {
      this.seats = new Link[count + 1];
      this.claimed = new boolean[count + 1];
    }

    private List<Link> present() {
      List<Link> links = new ArrayList<>();
      for (Link link : seats) {
        if (link != null) {
          links.add(link);
        }
      }
      return links;
    }
  }

  private final int maxConnections;
  private final Map<UUID, Forming> forming = new LinkedHashMap<>();
  private final Deque<Link> dropped = new ArrayDeque<>();
  private boolean open = true;

  Lobby(int maxConnections) {
    this.maxConnections = maxConnections;
  }

  /** Admits new sessions from now on. */
  void open() {
    open = true;
  }

  /** Reserves the place of a connection; returns why it is not welcome, or nothing if it is. */
  Optional<String> claim(Hello hello) {
    if (hello.version() != Hello.VERSION) {
      return Optional.of(
          "it speaks version %d of the protocol, this side version %d"
              .formatted(hello.version(), Hello.VERSION));
    }
    if (hello.count() < 1 || hello.count() > maxConnections) {
      return Optional.of(
          "it wants %d data connections, but 1 to %d are admitted"
              .formatted(hello.count(), maxConnections));
    }
    if (hello.index() > hello.count()) {
      return Optional.of(
          "it is connection %d of a session of %d".formatted(hello.index(), hello.count()));
    }
    Forming session = forming.get(hello.session());
    if (session == null) {
      if (hello.index() != 0) {
        return Optional.of("it belongs to a session that is not known here, or is no longer");
      }
      if (!open) {
        return Optional.of("this side is busy with another migration");
      }
      if (forming.size() == MAX_FORMING) {
        drop(forming.keySet().iterator().next());
      }
      session = new Forming(hello.count());
      forming.put(hello.session(), session);
    } else if (session.seats.length != hello.count() + 1) {
      return Optional.of(
          "it says the session has %d data connections, but it has %d"
              .formatted(hello.count(), session.seats.length - 1));
    }
    if (session.claimed[hello.index()]) {
      return Optional.of("connection %d of its session is there already".formatted(hello.index()));
    }
    session.claimed[hello.index()] = true;
    return Optional.empty();
  }

  /**
   * Puts a connection in its reserved place.
   *
   * @return the session, if it was the last one; no new session is admitted then
   */
  Optional<Complete> seat(Hello hello, Link link) {
    Forming session = forming.get(hello.session());
    if (session == null) {
      dropped.add(link);
      return Optional.empty();
    }
    session.seats[hello.index()] = link;
    session.taken++;
    if (session.taken < session.seats.length) {
      return Optional.empty();
    }
    forming.remove(hello.session());
    open = false;
    return Optional.of(new Complete(session.present()));
  }

  /** Gives up a session that has not formed. */
  void drop(UUID id) {
    Forming session = forming.remove(id);
    if (session != null) {
      dropped.addAll(session.present());
    }
  }

  /** Gives up all sessions that have not formed. */
  void dropAll() {
    open = false;
    List.copyOf(forming.keySet()).forEach(this::drop);
  }

  /** Returns the links that were given up since the last call; the caller closes them. */
  List<Link> takeDropped() {
    List<Link> links = List.copyOf(dropped);
    dropped.clear();
    return links;
  }
}
