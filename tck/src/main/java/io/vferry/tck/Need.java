package io.vferry.tck;

import java.util.Optional;
import java.util.function.Predicate;

/** What a device must have for a check to make sense. */
@SuppressWarnings("ImmutableEnumChecker") // The predicates hold nothing.
enum Need {
  PRE_COPY("the device claims no pre-copy", facts -> facts.features().preCopy()),
  P2P("the device claims no P2P state", facts -> facts.features().p2p()),
  ESTIMATE("the device offers no StopCopyEstimate", Facts::estimate),
  COMPATIBILITY("the device offers no Compatibility", Facts::compatibility),
  DMA_LOG("the device offers no DmaLog", Facts::dmaLog),
  INSPECTOR(
      "the driver offers no StreamInspector",
      facts -> facts.subject().driver().inspector().isPresent()),
  GUEST("the device brings no GuestSoftware to make it work", Facts::guest),
  PEERS("the guest software names no region for its peers", Facts::peers),
  MODEL("there is only one piece of hardware", facts -> facts.subject().model()),
  CHECKSUM(
      "the format claims no checksums",
      facts -> facts.subject().checksummed(),
      "'vferry tck --no-checksums', or checksummed() in a test"),
  TELLS_STATE(
      "only the driver knows the state of the device",
      facts -> facts.subject().tellsState(),
      "'vferry tck --driver-keeps-state', or tellsState() in a test"),
  OWN_FORMAT(
      "the host migrates the device, and the format is the host's",
      facts -> !facts.info().hostMigration()),
  FOREIGN("no device of another kind was named", Facts::foreign),
  NEWER("no newer device was named", Facts::newer),
  EARLIER(
      "no stream of an earlier version was named",
      facts -> !facts.subject().earlierStreams().isEmpty()),
  REFUSING("no device was named whose hardware refuses an arc", Facts::refusing);

  private final String reason;
  private final Predicate<Facts> has;
  private final String denial;

  Need(String reason, Predicate<Facts> has) {
    this(reason, has, "");
  }

  Need(String reason, Predicate<Facts> has, String denial) {
    this.reason = reason;
    this.has = has;
    this.denial = denial;
  }

  /** Returns when a check that needs this does not apply. */
  String wants() {
    return reason;
  }

  /**
   * Returns how to tell the kit that this is missing, a sentence; empty if the kit finds it out. It
   * does not find out a claim of the vendor: a format with checksums that are not checked looks
   * like one without.
   */
  Optional<String> denial() {
    return denial.isEmpty()
        ? Optional.empty()
        : Optional.of("Does not apply if " + reason + "; to say so: " + denial + ".");
  }

  Optional<String> missing(Facts facts) {
    return has.test(facts) ? Optional.empty() : Optional.of(reason);
  }
}
