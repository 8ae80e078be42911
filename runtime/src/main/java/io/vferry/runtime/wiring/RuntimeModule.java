package io.vferry.runtime.wiring;

import com.google.inject.AbstractModule;
import com.google.inject.Provider;
import com.google.inject.Scopes;
import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.Discovery;
import io.vferry.runtime.engine.TcpTransports;
import io.vferry.runtime.engine.Transports;
import io.vferry.runtime.journal.FileJournalStore;
import io.vferry.runtime.journal.JournalStore;
import io.vferry.runtime.report.AccessComplaints;
import io.vferry.spi.access.AccessGuard;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.SystemHostClock;
import java.lang.System.Logger;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.ThreadFactory;

/**
 * What the ports are bound to unless somebody overrides them. Everything is made by lambda: no
 * class of ours has to be open to reflection.
 */
final class RuntimeModule extends AbstractModule {

  private final List<Path> driverDirectories;
  private final Path journalDirectory;

  RuntimeModule(List<Path> driverDirectories, Path journalDirectory) {
    this.driverDirectories = driverDirectories;
    this.journalDirectory = journalDirectory;
  }

  @Override
  protected void configure() {
    Provider<ThreadFactory> threads = getProvider(ThreadFactory.class);
    Provider<HostClock> clock = getProvider(HostClock.class);
    bind(ThreadFactory.class).toProvider(() -> RuntimeModule::daemon).in(Scopes.SINGLETON);
    bind(HostClock.class).toProvider(() -> new SystemHostClock(threads.get())).in(Scopes.SINGLETON);
    bind(Catalogue.class)
        .toProvider(() -> Discovery.discover(driverDirectories))
        .in(Scopes.SINGLETON);
    bind(Transports.class)
        .toProvider(() -> new TcpTransports(clock.get(), threads.get()))
        .in(Scopes.SINGLETON);
    bind(JournalStore.class)
        .toProvider(() -> new FileJournalStore(journalDirectory, Clock.systemUTC()))
        .in(Scopes.SINGLETON);
    bind(AccessGuard.Listener.class)
        .toProvider(
            () -> {
              Logger logger = System.getLogger("io.vferry.access");
              return new AccessComplaints(what -> logger.log(Logger.Level.WARNING, what));
            })
        .in(Scopes.SINGLETON);
  }

  /** Daemons, since a device may hang in its driver for ever and must not keep the process. */
  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task);
    thread.setDaemon(true);
    return thread;
  }
}
