// SPDX-License-Identifier: Apache-2.0
// mikv trace synth: a trace of any shape, without a model.
#include <array>
#include <functional>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>

#include "tools/commands/command.h"
#include "tools/options/common_options.h"
#include "tools/options/number.h"
#include "tools/options/value_type.h"
#include "tools/report/trace_text.h"
#include "tools/support/open_trace.h"
#include "tools/support/output.h"
#include "tools/support/terminal.h"
#include "trace/synth/profile.h"
#include "trace/synth/synth.h"

namespace mikv::tools {
namespace {

constexpr std::array<std::pair<std::string_view, ElementType>, 2> kTypes{
    {{element_name(ElementType::f16), ElementType::f16},
     {element_name(ElementType::bf16), ElementType::bf16}}};

ElementType parse_dtype(const std::string& text) {
  for (const auto& [name, type] : kTypes) {
    if (text == name) return type;
  }
  throw UsageError("--dtype", "'" + text + "' is not what it takes", "give fp16 or bf16");
}

struct Synth {
  std::string out;
  trace::synth::SynthSpec spec;
  CommonOptions common;

  void add_to(CLI::App& command);
  void run() const;

 private:
  static CLI::Option& add(CLI::App& command, const std::string& names, const char* type,
                          const std::string& summary,
                          const std::function<void(const std::string&)>& set) {
    return *command.add_option_function<std::string>(names, set, summary)->type_name(type);
  }
  static void add_count(CLI::App& command, const std::string& name, std::int64_t& count,
                        std::int64_t low, std::int64_t high, const std::string& summary,
                        const std::string& alias = "") {
    const auto set = [=, &count](const std::string& text) {
      count = static_cast<std::int64_t>(parse_count(name, text, static_cast<std::uint64_t>(low),
                                                    static_cast<std::uint64_t>(high)));
    };
    add(command, name + alias, "N", summary + " [" + std::to_string(count) + "]", set);
  }
};

void Synth::add_to(CLI::App& command) {
  using trace::kMaxHeadDim, trace::kMaxHeads, trace::kMaxTokens;
  command.add_option("OUT", out, "the trace to write (safetensors)")
      ->type_name(kFileType)
      ->required();
  add_count(command, "--layers", spec.layers, 1, trace::synth::kMaxSynthLayers, "layers");
  add_count(command, "--query-heads", spec.shape.query_heads, 1, kMaxHeads, "query heads a layer");
  add_count(command, "--kv-heads", spec.shape.kv_heads, 1, kMaxHeads,
            "KV heads a layer, a divisor of the query heads");
  add_count(command, "--head-dim", spec.shape.head_dim, 8, kMaxHeadDim,
            "channels a head, a multiple of 8");
  add_count(command, "--prompt", spec.prompt_length, 1, kMaxTokens, "prompt tokens",
            ",--prompt-length");
  add_count(command, "--decode", spec.decode_length, 0, kMaxTokens, "decode steps after them",
            ",--decode-length");
  CLI::Option& profile = add(
      command, "--profile", "NAME", trace::synth::profile_names() + " [" + spec.profile + "]",
      [this](const std::string& text) { spec.profile = trace::synth::find_profile(text).name; });
  set_words(profile, names(trace::synth::profiles()));
  CLI::Option& type = add(command, "--dtype", "TYPE", "fp16 or bf16 [fp16]",
                          [this](const std::string& text) { spec.element = parse_dtype(text); });
  set_words(type, names(kTypes));
  add(command, "--seed", "N", "another seed, other values [0]", [this](const std::string& text) {
    spec.seed = parse_count("--seed", text, 0, std::numeric_limits<std::uint64_t>::max());
  });
  common.add_quiet(command);
  command.footer(
      "The same options give the same bytes on every machine (trace/SYNTH.md). Values do not\n"
      "depend on the numbers of layers, heads and tokens.\n"
      "Examples:\n"
      "  mikv trace synth layer.safetensors --kv-heads 32 --prompt 4096 --decode 256\n"
      "  mikv trace synth small.safetensors --profile gaussian --query-heads 4 --kv-heads 1");
}

void Synth::run() const {
  trace::synth::checked_bytes(spec);
  if (out == "-" || is_stdout(out) || is_special(out)) {
    throw UsageError("OUT", "'" + out + "' is stdout or no regular file",
                     "give the path of a file");
  }
  {
    Progress progress(common.quiet);
    trace::synth::synthesize(
        spec, out, [&progress](std::int64_t done, std::int64_t of) { progress.update(done, of); });
  }
  if (!common.quiet) print_out(trace_text(open_trace(out)));
}

}  // namespace

void add_trace_synth_command(CLI::App& trace) {
  CLI::App* command = trace.add_subcommand("synth", "Make up a trace of any shape");
  const auto synth = std::make_shared<Synth>();
  synth->add_to(*command);
  command->callback([synth] { synth->run(); });
}

}  // namespace mikv::tools
