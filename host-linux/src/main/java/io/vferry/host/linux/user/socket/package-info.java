/**
 * How the messages of vfio-user travel: stream sockets of this host, messages cut by the size in
 * their header, and the files that go with them. Knows nothing of what the messages say.
 */
package io.vferry.host.linux.user.socket;
