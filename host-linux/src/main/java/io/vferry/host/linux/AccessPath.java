package io.vferry.host.linux;

/** The two ways in which the kernel gives devices to a process. */
enum AccessPath {
  /** A group's node and a container. */
  GROUP("group"),
  /** The device's own node and iommufd; since Linux 6.6. */
  CDEV("cdev");

  private final String text;

  AccessPath(String text) {
    this.text = text;
  }

  /** Returns the name in addresses. */
  String text() {
    return text;
  }
}
