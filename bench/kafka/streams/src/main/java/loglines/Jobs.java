package loglines;

import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;

/**
 * The jobs on Kafka Streams, until SIGTERM.
 *
 * <pre>Jobs transform|count IN OUT GRACE_MINUTES PROPERTY=VALUE...</pre>
 *
 * <code>count</code> prints how many lines it has counted; the counts in OUT are complete when it has ended.
 */
public final class Jobs {
  private static final Duration WINDOW = Duration.ofMinutes(1);
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  public static void main(String[] arguments) throws Exception {
    var builder = new StreamsBuilder();
    var properties = new Properties();
    for (int i = 4; i < arguments.length; i++) {
      String[] property = arguments[i].split("=", 2);
      properties.put(property[0], property[1]);
    }
    var counted = new AtomicLong();
    if (arguments[0].equals("transform")) {
      transform(builder, arguments[1], arguments[2]);
    } else {
      count(builder, arguments[1], arguments[2], Duration.ofMinutes(Long.parseLong(arguments[3])), counted);
    }
    var streams = new KafkaStreams(builder.build(), properties);
    streams.setUncaughtExceptionHandler(e -> {
      e.printStackTrace();
      return StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(PATIENCE)));
    streams.start();
    for (long printed = 0; ; Thread.sleep(50)) {
      if (counted.get() != printed) {
        printed = counted.get();
        System.out.println("progress " + printed);
      }
    }
  }

  private static void transform(StreamsBuilder builder, String in, String out) {
    builder.stream(in, Consumed.with(Serdes.ByteArray(), new AvroSerde<>(LogLine.class)))
        .filter((key, line) -> !line.getLevel().toString().equals("DEBUG"))
        .mapValues(line -> new LogOut(line.getApp(), line.getLevel(), line.getTs(), line.getHost(),
            line.getCode(), line.getLatencyUs() / 1000.0, line.getMessage()))
        .to(out, Produced.with(Serdes.ByteArray(), new AvroSerde<>(LogOut.class)));
  }

  /** Only what is counted goes through the repartition topic: the key, and one byte. */
  private static void count(StreamsBuilder builder, String in, String out, Duration grace, AtomicLong counted) {
    var consumed = Consumed.with(Serdes.ByteArray(), new AvroSerde<>(LogLine.class))
        .withTimestampExtractor((record, partitionTime) -> ((LogLine) record.value()).getTs());
    builder.stream(in, consumed)
        .map((key, line) -> KeyValue.pair(line.getApp() + "|" + line.getLevel(), new byte[1]))
        .groupByKey(Grouped.with(Serdes.String(), Serdes.ByteArray()))
        .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, grace))
        .aggregate(() -> 0L, (series, one, lines) -> {
          counted.incrementAndGet();
          return lines + 1;
        }, Materialized.with(Serdes.String(), Serdes.Long()))
        .toStream()
        .map((window, lines) ->
            KeyValue.pair(window.key(), new LevelCount(window.key(), window.window().start(), lines)))
        .to(out, Produced.with(Serdes.String(), new AvroSerde<>(LevelCount.class)));
  }
}
