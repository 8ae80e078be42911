/** The driver for virtual functions of HiSilicon accelerators. */
package io.vferry.vendor.hisiacc;
