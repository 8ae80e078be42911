/** A model of a HiSilicon accelerator: the queue manager, its functions, and a guest's driver. */
package io.vferry.vendor.hisiacc.model;
