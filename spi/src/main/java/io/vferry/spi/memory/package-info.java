/** Guest memory, ranges of it, and which of it is dirty. */
package io.vferry.spi.memory;
