// link error: its_file_has_to_end_with_template_const_streamlet_definition_and_definition_of_it
#include "cloudflow/streamlet/definition.hpp"

struct wrong;

int main() { return &cloudflow::definition_of<wrong>() == nullptr ? 1 : 0; }
