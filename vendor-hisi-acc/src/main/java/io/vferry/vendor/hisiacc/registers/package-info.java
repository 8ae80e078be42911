/**
 * The numbers of the hardware: where registers are, what commands are called. All that driver and
 * model have in common.
 *
 * <p>Sources: Linux 6.12, {@code include/linux/hisi_acc_qm.h}, {@code
 * drivers/crypto/hisilicon/qm.c} and {@code drivers/vfio/pci/hisilicon/hisi_acc_vfio_pci.c}; what
 * came later is marked.
 */
package io.vferry.vendor.hisiacc.registers;
