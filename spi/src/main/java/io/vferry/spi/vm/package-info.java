/** What the runtime needs of a virtual machine monitor. */
package io.vferry.spi.vm;
