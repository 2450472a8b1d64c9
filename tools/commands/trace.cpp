// SPDX-License-Identifier: Apache-2.0
// mikv trace info|check|slice: look at a trace, check it, cut a smaller one out of it; synth is in
// trace_synth.cpp.
#include <fmt/format.h>

#include <memory>

#include "core/error.h"
#include "reference/ground_truth/recorded_output.h"
#include "tools/commands/command.h"
#include "tools/options/common_options.h"
#include "tools/options/layer_list.h"
#include "tools/options/number.h"
#include "tools/options/value_type.h"
#include "tools/report/document.h"
#include "tools/report/trace_text.h"
#include "tools/support/open_trace.h"
#include "tools/support/output.h"
#include "trace/slice.h"
#include "trace/value_check.h"

namespace mikv::tools {
namespace {

constexpr std::int64_t kCheckedRowsPerHead = 64;

struct TraceCommand {
  std::string trace;
  CommonOptions common;

  void add_to(CLI::App& command) {
    command.add_option("TRACE", trace, "a recorded trace (safetensors)")
        ->type_name(kFileType)
        ->required();
  }
};

struct Info : TraceCommand {
  void run() const {
    const trace::TraceReader reader = open_trace(trace);
    if (!common.json.empty()) {
      nlohmann::json document = new_document("trace");
      document["trace"] = trace_json(reader, "");
      document["trace"].erase("checksum");
      document["trace"]["unused_tensors"] = reader.index().unused_tensors;
      write_documents({{common.json, to_text(document)}});
    }
    if (!common.quiet && !common.stdout_is_taken()) print_out(trace_text(reader));
  }
};

// The largest error of a layer's recorded output, or nullopt where none is recorded or can be
// recomputed.
std::optional<double> check_output(const trace::TraceReader& reader, std::int64_t layer) {
  const LayerView view = reader.layer(layer);
  if (!view.o || trace::unsupported_feature(reader.header(), layer)) return std::nullopt;
  const ErrorSums sums = ground_truth::recorded_output_error(view, kCheckedRowsPerHead);
  reader.release(view);
  const double error = sums.relative().value_or(1);
  const double allowed = ground_truth::allowed_output_error(view.o->type);
  if (error <= allowed) return error;
  throw InputError(
      reader.path(), "layers." + std::to_string(layer) + ".o",
      fmt::format("differs by {:.3g} from attention over q, k and v (rounding explains {:.3g})",
                  error, allowed),
      "check softmax_scale, the head mapping, the mask and whether q and k are post-RoPE");
}

struct Check : TraceCommand {
  void run() const {
    const trace::TraceReader reader = open_trace(trace);
    const std::string checksum = trace::check_values(reader);
    nlohmann::json layers = nlohmann::json::array();
    std::optional<double> worst;
    for (const std::int64_t layer : reader.layers()) {
      const std::optional<double> error = check_output(reader, layer);
      if (error) worst = std::max(worst.value_or(0), *error);
      layers.push_back(
          {{"layer", layer},
           {"recorded_output_error", error ? nlohmann::json(*error) : nlohmann::json()}});
    }
    if (!common.json.empty()) {
      nlohmann::json document = new_document("trace");
      document["trace"] = trace_json(reader, checksum);
      document["trace"]["unused_tensors"] = reader.index().unused_tensors;
      document["layers"] = layers;
      write_documents({{common.json, to_text(document)}});
    }
    if (common.quiet || common.stdout_is_taken()) return;
    print_out(fmt::format("{}: ok, {}\n", escape(reader.path()), checksum));
    print_out(worst ? fmt::format("recorded outputs follow from q, k and v within {:.2g}\n", *worst)
                    : "no recorded outputs to compare with\n");
  }
};

struct Slice : TraceCommand {
  std::string out;
  std::string layers;
  std::string kv_heads;
  bool no_output = false;
  trace::SliceSpec spec;

  void add_options(CLI::App& command) {
    command.add_option("--out", out, "the trace to write")->type_name(kFileType)->required();
    command.add_option("--layers", layers, "layers to keep: '0-3,7' [all]")->type_name("LIST");
    command.add_option("--kv-heads", kv_heads, "KV heads to keep, with their query heads [all]")
        ->type_name("LIST");
    add_length(command, "--prompt-length", spec.prompt_length,
               "tokens before the first decode step [as recorded, or fewer to fit]");
    add_length(command, "--decode-length", spec.decode_length,
               "decode steps after the prompt [as recorded, or fewer to fit]");
    command.add_flag("--no-output", no_output, "leave the recorded attention outputs out");
    command.footer(
        "Tokens are kept from the first on.\n"
        "Examples:\n"
        "  mikv trace slice big.safetensors --layers 0,5 --out small.safetensors\n"
        "  mikv trace slice big.safetensors --prompt-length 448 --decode-length 64 --out "
        "cut.safetensors");
  }

  static void add_length(CLI::App& command, const std::string& name,
                         std::optional<std::int64_t>& length, const char* summary) {
    const auto set = [name, &length](const std::string& text) {
      length = static_cast<std::int64_t>(parse_count(name, text));
    };
    command.add_option_function<std::string>(name, set, summary)->type_name("N");
  }

  // What is written is read again, and stdout is for people.
  void require_file() const {
    require_distinct({{"TRACE", trace}}, {{"--out", out}});
    if (out == "-" || is_stdout(out) || is_special(out)) {
      throw UsageError("--out", "'" + out + "' is stdout or no regular file",
                       "give the path of a file");
    }
  }

  void run() {
    require_file();
    spec.layers = parse_layer_list("--layers", layers);
    spec.kv_heads = parse_layer_list("--kv-heads", kv_heads);
    spec.output = !no_output;
    trace::slice(open_trace(trace), spec, out);
    if (!common.quiet) print_out(trace_text(open_trace(out)));
  }
};

template <typename Command>
std::shared_ptr<Command> add(CLI::App& parent, const char* name, const char* summary) {
  CLI::App* app = parent.add_subcommand(name, summary);
  const auto command = std::make_shared<Command>();
  command->add_to(*app);
  command->common.add_quiet(*app);
  app->callback([command] {
    command->common.check({{"TRACE", command->trace}});
    command->run();
  });
  return command;
}

}  // namespace

void add_trace_command(CLI::App& app, ExitCode& /*result*/) {
  CLI::App* command = app.add_subcommand("trace", "Look at, check, cut or make up a trace");
  command->require_subcommand(1);
  const auto info = add<Info>(*command, "info", "Print what a trace holds");
  info->common.add_json(*command->get_subcommand("info"));
  command->get_subcommand("info")->footer(
      "Examples:\n  mikv trace info trace.safetensors\n  mikv trace info trace.safetensors --json "
      "-");
  const auto check =
      add<Check>(*command, "check", "Check every value, and recorded outputs against q, k, v");
  check->common.add_json(*command->get_subcommand("check"));
  command->get_subcommand("check")->footer(
      "Examples:\n  mikv trace check trace.safetensors\n  mikv trace check trace.safetensors "
      "--json -");
  const auto slice = add<Slice>(*command, "slice", "Write a smaller trace");
  slice->add_options(*command->get_subcommand("slice"));
  add_trace_synth_command(*command);
}

}  // namespace mikv::tools
