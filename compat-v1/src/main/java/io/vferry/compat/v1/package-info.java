/** The v1 migration region: its words, a region over a v2 device, a v2 device over a v1 driver. */
package io.vferry.compat.v1;
