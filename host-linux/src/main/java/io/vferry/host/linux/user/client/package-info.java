/**
 * Devices that other processes serve by vfio-user: {@code vfio-user:SOCKET} addresses.
 *
 * <p>{@link io.vferry.host.linux.user.client.ClientProtocol} and {@link
 * io.vferry.host.linux.user.client.Conversation} hold the conversation without a thread, a socket
 * or a clock of their own; {@link io.vferry.host.linux.user.client.ClientChannel} has the threads.
 */
package io.vferry.host.linux.user.client;
