// SPDX-License-Identifier: Apache-2.0
#include "tools/options/case_choice.h"

#include <algorithm>
#include <limits>
#include <regex>
#include <set>
#include <utility>

#include "core/error.h"
#include "tools/options/number.h"
#include "tools/options/value_type.h"

namespace mikv::tools {
namespace {

using kernel_test::CaseSpec;

std::regex compiled(const std::string& filter) {
  try {
    return std::regex(filter, std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error&) {
    throw UsageError("--filter", "'" + escape(filter) + "' is no regular expression",
                     "use ECMAScript's syntax, as in 'int2.*b=3'");
  }
}

}  // namespace

void CaseChoice::add_to(CLI::App& command) {
  std::vector<std::string> words;
  for (const kernel_test::Operation operation : kernel_test::operations()) {
    words.emplace_back(name(operation));
  }
  set_words(*command.add_option("--op", operations, "only this operation (repeatable)")
                 ->type_name("NAME"),
            words);
  command.add_option("--case", cases, "this case instead of the matrix (repeatable)")
      ->type_name("CASE");
  command.add_option("--filter", filter, "only cases whose name has a match for this")
      ->type_name("REGEX");
  const auto set_seed = [this](const std::string& text) {
    seed = parse_count("--seed", text, 0, std::numeric_limits<std::uint64_t>::max());
  };
  command
      .add_option_function<std::string>("--seed", set_seed,
                                        "of the values and of the mixed cases [1]")
      ->type_name("N");
}

std::vector<CaseSpec> CaseChoice::from(std::vector<CaseSpec> matrix) const {
  std::vector<CaseSpec> all;
  for (const std::string& text : cases) {
    const CaseSpec spec = kernel_test::parse_case(text);
    if (std::ranges::find(all, spec) == all.end()) all.push_back(spec);
  }
  if (cases.empty()) all = std::move(matrix);
  std::set<kernel_test::Operation> wanted;
  for (const std::string& text : operations) wanted.insert(kernel_test::parse_operation(text));
  const std::regex pattern = compiled(filter);
  std::erase_if(all, [&](const CaseSpec& spec) {
    return (!wanted.empty() && !wanted.contains(spec.operation)) ||
           !std::regex_search(to_string(spec), pattern);
  });
  if (all.empty()) {
    throw UsageError(filter.empty() ? "--op" : "--filter", "leaves no case",
                     "'mikv test --list' prints all names");
  }
  return all;
}

}  // namespace mikv::tools
