#include "streamlets/streamlets.hpp"

#include "cloudflow/sandbox/application.hpp"

int main(int argc, char** argv) {
  using namespace logproc;
  return cloudflow::application<http_ingress, key_logger, file_ingestor, message_printer,
                                message_logger, stat_aggregator, stat_logger, email_processor,
                                invalid_logger>(argc, argv);
}
