// Prints one number that a JVM on this machine keeps: an attribute of one of its management beans.
// Attaches by process id, so the broker needs no JMX port: java Jmx.java PID BEAN ATTRIBUTE
import com.sun.tools.attach.VirtualMachine;
import javax.management.ObjectName;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

public class Jmx {
  public static void main(String[] args) throws Exception {
    var machine = VirtualMachine.attach(args[0]);
    var address = machine.startLocalManagementAgent();
    machine.detach();
    try (var connector = JMXConnectorFactory.connect(new JMXServiceURL(address))) {
      var beans = connector.getMBeanServerConnection();
      // On standard input: one line, one reading. Without it: one reading.
      var lines = new java.io.BufferedReader(new java.io.InputStreamReader(System.in));
      while (lines.readLine() != null) {
        System.out.println(beans.getAttribute(new ObjectName(args[1]), args[2]));
        System.out.flush();
      }
    }
  }
}
