package io.vferry.tck;

import java.util.List;
import java.util.Optional;

/** One promise and how it is tried. */
public final class Check {

  /** Makes the sequences that try a promise. */
  @FunctionalInterface
  interface Plan {
    List<Script> scripts(Facts facts);
  }

  private final String id;
  private final Chapter chapter;
  private final String promise;
  private final List<Need> needs;
  private final Plan plan;

  private Check(Chapter chapter, String name, String promise, List<Need> needs, Plan plan) {
    this.id = chapter.id() + "." + name;
    this.chapter = chapter;
    this.promise = promise;
    this.needs = List.copyOf(needs);
    this.plan = plan;
  }

  static Check of(Chapter chapter, String name, String promise, Plan plan, Need... needs) {
    return new Check(chapter, name, promise, List.of(needs), plan);
  }

  /** Returns the stable id, {@code chapter.name}. */
  public String id() {
    return id;
  }

  /** Returns the chapter. */
  public Chapter chapter() {
    return chapter;
  }

  /** Returns what a driver promises, one sentence. */
  public String promise() {
    return promise;
  }

  /** Returns where the manual describes it, from the root of the project. */
  public String manual() {
    return "docs/reference/conformance.md#" + anchor();
  }

  /** Returns the name of its place on the page of the manual. */
  public String anchor() {
    return id.replace('.', '-');
  }

  List<Need> needs() {
    return needs;
  }

  Optional<String> missing(Facts facts) {
    return needs.stream().flatMap(need -> need.missing(facts).stream()).findFirst();
  }

  List<Script> scripts(Facts facts) {
    return plan.scripts(facts);
  }

  @Override
  public String toString() {
    return id;
  }
}
