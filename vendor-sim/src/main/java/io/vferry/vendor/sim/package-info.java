/** A simulated device, its migration driver, a simulated virtual machine and a virtual clock. */
package io.vferry.vendor.sim;
