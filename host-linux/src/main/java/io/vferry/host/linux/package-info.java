/** Devices of the kernel, through JNA. */
package io.vferry.host.linux;
