/** Namespaces with this label are as restricted as OpenShift's are by default. */
export const sccLabel = { name: "testbed.migctl.dev/scc", value: "restricted-v2" } as const;

/** As OpenShift writes the first UID and how many there are: "1000660000/10000". */
export const rangeAnnotations = {
  users: "openshift.io/sa.scc.uid-range",
  groups: "openshift.io/sa.scc.supplemental-groups",
} as const;

const name = "restricted-v2";

const matchConstraints = {
  namespaceSelector: { matchLabels: { [sccLabel.name]: sccLabel.value } },
  resourceRules: [
    { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] },
  ],
};

const range = (annotation: string, part: number) =>
  `int(namespaceObject.metadata.annotations['${annotation}'].split('/')[${part}])`;

const variables = [
  { name: "firstUser", expression: range(rangeAnnotations.users, 0) },
  { name: "userCount", expression: range(rangeAnnotations.users, 1) },
  { name: "group", expression: range(rangeAnnotations.groups, 0) },
  {
    name: "containers",
    expression: "object.spec.containers + object.spec.?initContainers.orValue([])",
  },
];

/** What a pod leaves open is filled in, as the SCC restricted-v2 does; what it sets, stays. */
function mutations() {
  const own = (field: string, value: string) =>
    `${field}: object.spec.?securityContext.?${field}.orValue(${value})`;
  const pod = `Object{
    metadata: Object.metadata{annotations: {"openshift.io/scc": "${name}"}},
    spec: Object.spec{securityContext: Object.spec.securityContext{
      ${own("fsGroup", "variables.group")},
      seccompProfile: Object.spec.securityContext.seccompProfile{
        type: object.spec.?securityContext.?seccompProfile.?type.orValue("RuntimeDefault")}}}}`;
  return [
    { patchType: "ApplyConfiguration", applyConfiguration: { expression: pod } },
    ...["containers", "initContainers"].flatMap(containerMutations),
  ];
}

function containerMutations(kind: string) {
  const type = `Object.spec.${kind}`;
  const own = (field: string, value: string) =>
    `${field}: c.?securityContext.?${field}.orValue(${value})`;
  const fill = `Object{spec: Object.spec{${kind}:
    object.spec.?${kind}.orValue([]).map(c, ${type}{name: c.name,
      securityContext: ${type}.securityContext{
        ${own("runAsUser", "object.spec.?securityContext.?runAsUser.orValue(variables.firstUser)")},
        ${own("runAsNonRoot", "true")},
        ${own("allowPrivilegeEscalation", "false")}}})}}`;
  // Lists without keys cannot be applied; a patch says where they go.
  const drop = `[0, 1, 2, 3, 4, 5, 6, 7].filter(i, i < size(object.spec.?${kind}.orValue([])) &&
      !has(object.spec.${kind}[i].securityContext.capabilities)).map(i, JSONPatch{
        op: "add", path: "/spec/${kind}/" + string(i) + "/securityContext/capabilities",
        value: ${type}.securityContext.capabilities{drop: ["ALL"]}})`;
  return [
    { patchType: "ApplyConfiguration", applyConfiguration: { expression: fill } },
    { patchType: "JSONPatch", jsonPatch: { expression: drop } },
  ];
}

/** The words before each reason are those of OpenShift. */
const refusal = `unable to validate against any security context constraint: provider ${name}: `;

function refuse(expression: string, reason: string) {
  return { expression, message: `${refusal}${reason}` };
}

const inRange = (user: string) =>
  `(${user} >= variables.firstUser && ${user} < variables.firstUser + variables.userCount)`;

const podContext = "object.spec.?securityContext";

/** What else is not allowed there, Pod Security's level "restricted" refuses as well. */
const validations = [
  refuse(
    `!${podContext}.?runAsUser.hasValue() || ${inRange(`${podContext}.runAsUser.value()`)}`,
    ".spec.securityContext.runAsUser: Invalid value: must be in the namespace's range",
  ),
  refuse(
    `variables.containers.all(c, !has(c.securityContext) || !has(c.securityContext.runAsUser) || ${inRange("c.securityContext.runAsUser")})`,
    ".containers[0].runAsUser: Invalid value: must be in the namespace's range",
  ),
  refuse(
    `${podContext}.?fsGroup.orValue(variables.group) == variables.group`,
    ".spec.securityContext.fsGroup: Invalid value: is not an allowed group",
  ),
];

/** The admission of OpenShift's SCC restricted-v2, for namespaces that bear the label. */
export function restrictedPolicies() {
  const group = "admissionregistration.k8s.io";
  return [
    {
      apiVersion: `${group}/v1beta1`,
      kind: "MutatingAdmissionPolicy",
      metadata: { name },
      spec: {
        ...{ matchConstraints, variables, mutations: mutations() },
        ...{ failurePolicy: "Fail", reinvocationPolicy: "Never" },
      },
    },
    {
      apiVersion: `${group}/v1beta1`,
      kind: "MutatingAdmissionPolicyBinding",
      metadata: { name },
      spec: { policyName: name },
    },
    {
      apiVersion: `${group}/v1`,
      kind: "ValidatingAdmissionPolicy",
      metadata: { name },
      spec: { matchConstraints, variables, validations, failurePolicy: "Fail" },
    },
    {
      apiVersion: `${group}/v1`,
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name },
      spec: { policyName: name, validationActions: ["Deny"] },
    },
  ];
}
