/**
 * Serves a device to other processes as vfio-user does. {@link
 * io.vferry.host.linux.user.server.ServerSession} is the conversation with one client as a state
 * machine; the other classes connect it to sockets, files and threads.
 */
package io.vferry.host.linux.user.server;
