/**
 * Moves bytes between the two sides of a migration: one control connection and some data
 * connections.
 *
 * <p>{@link io.vferry.runtime.transport.ChunkSender}, {@link
 * io.vferry.runtime.transport.ChunkListener}, {@link io.vferry.runtime.transport.ControlChannel}
 * and the two sessions are ports: small interfaces that know nothing of threads, clocks and
 * sockets, so that a migration can be driven in one thread over a simulated network. {@link
 * io.vferry.runtime.transport.TransportConnector} and {@link
 * io.vferry.runtime.transport.TransportListener} provide them over TCP, plain or with TLS 1.3.
 */
package io.vferry.runtime.transport;
