package evtrail;

import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Serves the MongoDB protocol from memory until it is told to end. */
public final class JavaStore {
    private JavaStore() {}

    public static void main(String[] arguments) throws IOException {
        Path portFile = null;
        int port = 0;
        for (int i = 0; i < arguments.length; i += 2) {
            if (i + 1 == arguments.length) {
                usage();
            }
            switch (arguments[i]) {
                case "--port-file" -> portFile = Path.of(arguments[i + 1]);
                case "--port" -> port = Integer.parseInt(arguments[i + 1]);
                default -> usage();
            }
        }
        serve(port, portFile);
    }

    private static void usage() {
        System.err.println("usage: javastore [--port N] [--port-file FILE]");
        System.exit(2);
    }

    private static void serve(int port, Path portFile) throws IOException {
        MongoServer server = new MongoServer(new MemoryBackend());
        // Bound when bind returns: connections are taken from here on.
        server.bind("127.0.0.1", port);
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        if (portFile != null) {
            announce(server.getLocalAddress(), portFile);
        }
    }

    /** A reader sees the whole file or none. */
    private static void announce(InetSocketAddress address, Path file) throws IOException {
        Path temporary = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(temporary, address.getPort() + "\n");
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    }
}
