package io.vferry.compat.v1;

import java.util.List;

/**
 * What one access of a v1 client comes to in v2.
 *
 * @param meaning what the client wanted
 * @param replacement the calls and arcs that do it in v2, in order; empty if nothing is left to do
 * @param verdict whether v1 allowed it
 * @param remarks why it was not simply legal, a sentence each; empty if it was
 */
public record V1Translation(
    String meaning, List<String> replacement, Verdict verdict, List<String> remarks) {

  /** Whether v1 allowed an access. */
  public enum Verdict {
    /** The text of the interface allows it. */
    LEGAL("legal"),
    /** The text says nothing, or leaves it to the driver. */
    LUCK("only worked by luck"),
    /** The text forbids it, or data were lost. */
    ILLEGAL("illegal");

    private final String title;

    Verdict(String title) {
      this.title = title;
    }

    /** Returns the verdict for people. */
    public String title() {
      return title;
    }
  }

  /** Creates a translation; the lists are copied. */
  public V1Translation {
    replacement = List.copyOf(replacement);
    remarks = List.copyOf(remarks);
  }
}
