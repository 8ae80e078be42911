package io.vferry.runtime.plan;

import java.util.Locale;
import java.util.Optional;

/**
 * A reason why a migration cannot be.
 *
 * @param code what kind of reason
 * @param side where
 * @param device id of the device concerned; empty if the whole virtual machine is
 * @param reason one sentence, without a full stop: what is in the way
 * @param advice one sentence in the imperative mood: what to do
 */
public record Blocker(Code code, Side side, Optional<String> device, String reason, String advice) {

  /** The kinds of reasons; programs may rely on them. */
  public enum Code {
    /** No backend opens addresses of this scheme. */
    NO_BACKEND,
    /** The backend does not work on this host. */
    BACKEND_UNAVAILABLE,
    /** The device cannot be opened. */
    OPEN_FAILED,
    /** Two devices of the manifest are the same device of the host. */
    DUPLICATE_ADDRESS,
    /** No driver serves the device, or not the one that was named. */
    NO_DRIVER,
    /** Several drivers serve the device equally well. */
    DRIVER_CONFLICT,
    /** The device lacks what its driver needs. */
    NOT_MIGRATABLE,
    /** The driver could not take charge of the device. */
    ATTACH_FAILED,
    /** The device is not in RUNNING, where every migration starts. */
    NOT_RUNNING,
    /** A device names itself or a device that is not in the manifest as a peer. */
    UNKNOWN_PEER,
    /** A device has peers, and one of them cannot quiesce. */
    MISSING_P2P,
    /** The device of the destination is served by another driver. */
    DRIVER_DIFFERS,
    /** The device of the destination cannot take the state of the source's. */
    INCOMPATIBLE_DESTINATION,
    /** No adaptor to the virtual machine goes by this name. */
    NO_VM_ADAPTOR;

    /** Returns the name as programs read it, in kebab case. */
    public String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }
}
